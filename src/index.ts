/** The library: what the command does, without printing and without exiting. */
export { type BatchOptions, type BatchProgress, type BatchSummary, batch } from './batch/batch';
export type { BatchJob, JobError, MadeAgain } from './batch/job';
export { parseShard, type Shard } from './batch/shard';
export type { BatchTask, DecodeTask, DiffTask, JobWarning, ListTask, RewriteTask } from './batch/task';
export type { EntryFacts } from './checkpoint/entry-facts';
export { TASK_STATES } from './checkpoint/explore/core-facts';
export type { ExploredDescriptor, ExploredFolder } from './checkpoint/explore/descriptors';
export type { ExploredTask } from './checkpoint/explore/explored-task';
export type { Gap } from './checkpoint/explore/gaps';
export type { ExploredExecutable, ExploredMapping, MappingContent } from './checkpoint/explore/mappings';
export type { NamedFile } from './checkpoint/explore/named-file';
export type { ExploredRun, MappingOfRun } from './checkpoint/explore/resident';
export type { ExploredProcess } from './checkpoint/explore/task-tree';
export type { Descriptor, Descriptors, OpenEntry, OtherReference, Tie } from './checkpoint/listing/open-entry';
export type { TerminalState } from './checkpoint/terminals';
export type { DiffGraph, GraphDescriptor, GraphEntry, GraphQueue, GraphTask } from './diff/graph';
export { type ErrorCode, FdgraftError } from './errors/fdgraft-error';
export type { ConvertOptions, ConvertResult } from './operations/convert-folder';
export {
  type DecodeImageOptions,
  type DecodeOptions,
  type DecodeWarning,
  decode,
  decodeImage,
} from './operations/decode';
export {
  type DiffOptions,
  type DiffResult,
  diff,
  diffImages,
  type LoneImage,
  type ToldDifference,
} from './operations/diff';
export { type EncodeImageOptions, encode, encodeImage } from './operations/encode';
export { type Explored, type ExploredWhat, type ExploreOptions, explore } from './operations/explore';
export { type ImageInfo, imageInfo, type RawInfo, type RecordInfo } from './operations/image-info';
export { type InspectOptions, inspect, type ListedEntry } from './operations/inspect';
export { type OpenOptions, openImages, openSource } from './operations/open-source';
export { readPlanOf } from './operations/plan-of';
export { readSpecs } from './operations/read-specs';
export { type RewriteOptions, type RewriteProgress, type RewriteResult, rewrite } from './operations/rewrite';
export type { CommandPlaceholder, NextCommand, Redirection } from './plan/next-command';
export type {
  Plan,
  PlanDebug,
  PlanDescriptor,
  PlanEntry,
  PlanImage,
  PlanInFlight,
  PlanOwner,
  PlanPlaceholder,
  PlanReference,
  PlanScmRight,
  PlanSpec,
  PlanTerminal,
  PlanWarning,
} from './plan/plan';
export { planToJson } from './plan/plan-json';
export type { Warning } from './rewrite/warning';
export type { Apply, InFlight, Position, SpecOptions } from './specs/spec';
export { FORMS, type Form } from './storage/form';
export { LINK_MODES, type LinkMode } from './storage/link-mode';
export type { SinkNotice } from './storage/sink';
export type { Member, Source, SourceMember } from './storage/source';
