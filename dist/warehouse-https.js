import{modules as e}from"./shared-warehouse-https.js";export const id=7096;export const ids=[7096];export const modules={...e};
