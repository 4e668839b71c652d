import{modules as e}from"./shared-warehouse-failure.js";export const id=9191;export const ids=[9191];export const modules={...e};
