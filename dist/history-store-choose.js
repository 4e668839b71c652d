import{modules as e}from"./shared-history-store-choose.js";export const id=7679;export const ids=[7679];export const modules={...e};
