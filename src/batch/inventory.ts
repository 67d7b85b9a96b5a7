/** The image that makes a folder an image folder. */
export const INVENTORY = 'inventory.img';
