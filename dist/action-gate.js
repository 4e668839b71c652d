import{modules as e}from"./shared-action-gate.js";export const id=4283;export const ids=[4283];export const modules={...e};
