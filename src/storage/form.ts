/** What a checkpoint is kept in. An archive keeps its compression, whatever its name. */
export const FORMS = ['dir', 'tar', 'tar.gz', 'tar.zst'] as const;
export type Form = (typeof FORMS)[number];
export type ArchiveForm = Exclude<Form, 'dir'>;
