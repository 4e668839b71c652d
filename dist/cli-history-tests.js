import{modules as e}from"./shared-history-ask-runs.js";import{modules as t}from"./shared-cli-history-tests.js";export const id=8600;export const ids=[8600,6927];export const modules={...e,...t};
