import{modules as e}from"./shared-cleanup-ledger-ledger.js";export const id=1991;export const ids=[1991];export const modules={...e};
