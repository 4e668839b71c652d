import{modules as e}from"./shared-cleanup-execute-proof.js";import{modules as t}from"./shared-stages-connections.js";export const id=9944;export const ids=[9944,844];export const modules={...e,...t};
