import{modules as e}from"./shared-lib-proxy-choice.js";export const id=5983;export const ids=[5983];export const modules={...e};
