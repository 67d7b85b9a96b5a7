/** What a checkpoint is kept in. An archive keeps its compression, whatever its name. */
export const FORMS = ['dir', 'tar', 'tar.gz', 'tar.zst'] as const;
/** The form of a checkpoint: a directory, or an archive and its compression. */
export type Form = (typeof FORMS)[number];
export type ArchiveForm = Exclude<Form, 'dir'>;
