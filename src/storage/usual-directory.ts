/** Where podman, CRI-O and containerd have the images, in their archives and in what tar makes of these. */
export const USUAL_DIRECTORY = 'checkpoint';
