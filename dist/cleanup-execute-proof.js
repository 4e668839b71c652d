import{modules as e}from"./shared-cleanup-execute-proof.js";export const id=844;export const ids=[844];export const modules={...e};
