import{modules as e}from"./shared-history-ask-runs.js";export const id=6927;export const ids=[6927];export const modules={...e};
