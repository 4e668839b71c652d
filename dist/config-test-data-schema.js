import{modules as e}from"./shared-config-test-data-schema.js";export const id=3486;export const ids=[3486];export const modules={...e};
