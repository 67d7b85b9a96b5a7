/** The library: what the command does, without printing and without exiting. */
export { type BatchOptions, type BatchProgress, type BatchSummary, batch } from './batch/batch';
export type { BatchJob, JobError, MadeAgain } from './batch/job';
export { type Environment, parseShard, type Shard } from './batch/shard';
export type { BatchTask, DecodeTask, DiffTask, JobWarning, ListTask, RewriteTask } from './batch/task';
export type { ByteReader, ByteWriter } from './bytes/byte-stream';
export type { List } from './bytes/mapped';
export type { EntryFacts } from './checkpoint/entry-facts';
export { TASK_STATES } from './checkpoint/explore/core-facts';
export type { ExploredDescriptor, ExploredDirectory, ExploredFds } from './checkpoint/explore/descriptors';
export type { ExploredTask } from './checkpoint/explore/explored-task';
export type { Gap } from './checkpoint/explore/gaps';
export type { ExploredExecutable, ExploredMapping, ExploredMems, MappingContent } from './checkpoint/explore/mappings';
export type { NamedFile } from './checkpoint/explore/named-file';
export type { ExploredRss, ExploredRun, MappingOfRun } from './checkpoint/explore/resident';
export type { ExploredProcess } from './checkpoint/explore/task-tree';
export type { Descriptor, Descriptors, OpenEntry, OtherReference, Tie } from './checkpoint/listing/open-entry';
export type { HolderKind } from './checkpoint/message-rows';
export type { KindName, OpenKind, SocketKind, SocketState } from './checkpoint/open-kind';
export type { TerminalRole } from './checkpoint/terminal-type';
export type { TerminalState } from './checkpoint/terminals';
export type { Holder } from './diff/context';
export type {
  Change,
  Counterpart,
  Difference,
  Digest,
  EntryDifference,
  FieldChange,
  FileDifference,
  FormDifference,
  ImageDifference,
  MemoryDifference,
  Sides,
} from './diff/difference';
export type { DiffGraph, GraphDescriptor, GraphEntry, GraphQueue, GraphTask, Presence } from './diff/graph';
export type { Statement } from './diff/statement';
export { type ErrorCode, type ErrorDetails, FdgraftError, type Place } from './errors/fdgraft-error';
export type { ConvertOptions, ConvertResult } from './operations/convert-directory';
export {
  type DecodeImageOptions,
  type DecodeOptions,
  type DecodeWarning,
  decode,
  decodeImage,
} from './operations/decode';
export {
  type DiffHint,
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
export type { CommandPlaceholder, NextCommand, PassedDescriptor, Redirection } from './plan/next-command';
export type {
  Plan,
  PlanCredentials,
  PlanDebug,
  PlanDescriptor,
  PlanEntry,
  PlanIdRange,
  PlanImage,
  PlanInFlight,
  PlanKind,
  PlanMapping,
  PlanOwner,
  PlanPlaceholder,
  PlanReference,
  PlanScmRight,
  PlanSocket,
  PlanSpec,
  PlanTerminal,
  PlanUserNamespace,
  PlanWarning,
} from './plan/plan';
export { planToJson } from './plan/plan-json';
export type { DiffFormat } from './report/write-diff';
export type { ExternalNamespace } from './rewrite/restore-needs';
export type { Warning } from './rewrite/warning';
export type { FownEntry } from './schema/generated/images';
export type { Apply, InFlight, PeerFate, Position, SpecOptions } from './specs/spec';
export { FORMS, type Form } from './storage/form';
export { LINK_MODES, type LinkMode } from './storage/link-mode';
export type { SinkNotice } from './storage/sink';
export type {
  ArchivedMember,
  Member,
  MemberReader,
  MembersByName,
  Source,
  SourceArchive,
  SourceFile,
  SourceMember,
} from './storage/source';
export type { SparseMap } from './storage/sparse-map';
