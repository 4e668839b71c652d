import{modules as e}from"./shared-evidence-foreign-head.js";export const id=4634;export const ids=[4634];export const modules={...e};
