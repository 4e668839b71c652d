import{modules as e}from"./shared-checks-auth-check.js";export const id=9218;export const ids=[9218];export const modules={...e};
