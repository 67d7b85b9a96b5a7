import type { EpollWatches } from '../checkpoint/epoll-watches';
import { Layout } from '../checkpoint/layout';
import { Memfds } from '../checkpoint/memfds';
import { type FileName, Mounts } from '../checkpoint/mounts';
import type { PipeName } from '../checkpoint/pipe-name';
import { type MissingOfTasks, TaskImages } from '../checkpoint/task-images';
import { Tasks } from '../checkpoint/tasks';
import { Terminals } from '../checkpoint/terminals';
import type { Subscriber } from '../checkpoint/walk/subscriber';
import { tells, walk } from '../checkpoint/walk/walk';
import { messages } from '../errors/messages';
import { PLAN_IMAGE } from '../frames/image-kinds';
import type { InheritSpec } from '../specs/spec';
import type { Member, Source } from '../storage/source';
import { Candidates } from './find-candidates';
import { findMappedMemfds, type MappedMemfd } from './find-mapped-memfds';
import { type NamedDescriptor, ReferenceFinder } from './find-references';
import { type FileUse, findSameFiles } from './find-same-files';
import { findSocketPeers, type SocketPeers } from './find-socket-peers';
import { findTerminals, type NamedTerminal } from './find-terminals';
import { findWatchers, NO_WATCHERS, WatcherFinder, type Watchers } from './find-watchers';
import {
  type Match,
  type PipeBytes,
  type PipeEnd,
  pipeOf,
  type QueuedBytes,
  type References,
  type Remap,
} from './match';
import type { ResolvedKeys } from './resolve-keys';
import { readMemfds } from './resolve-memfds';
import { type RestoreNeeds, RestoreNeedsFinder } from './restore-needs';

/** What the first pass over a checkpoint found out. */
export interface Survey {
  /** Entries that a spec names and a descriptor or SCM right refers to, as they lie in files.img. */
  readonly matches: readonly Match[];
  /** Entries that a spec names, but that nothing holds open. */
  readonly notOpen: readonly Match[];
  /** Descriptors and SCM rights by the file id of a match. */
  readonly references: ReadonlyMap<number, References>;
  /** What else refers to an entry that a spec names, as "the executable of task 7"; remaps apart. */
  readonly otherReferences: ReadonlyMap<number, readonly string[]>;
  /** Remaps from or to an entry that a spec names. */
  readonly remaps: readonly Remap[];
  /** Watches of the files that specs name. */
  readonly watchers: Watchers;
  /** What is open on the regular files that specs name, by file. */
  readonly sameFiles: ReadonlyMap<FileName, readonly FileUse[]>;
  /** Locks and the like, whatever they are on. */
  readonly names: readonly NamedDescriptor[];
  /** Descriptors that an epoll watches. */
  readonly watched: EpollWatches;
  /** Ends of pipes that no spec names; only where a spec names descriptors. */
  readonly otherEnds: readonly PipeEnd[];
  readonly unread: readonly PipeBytes[];
  /** The content of the queues of named sockets, by file id. */
  readonly queued: ReadonlyMap<number, readonly QueuedBytes[]>;
  /** Sockets of the tree that have to do with named ones. */
  readonly socketPeers: SocketPeers;
  /** Named terminals, by their number in tty-info.img. */
  readonly terminals: ReadonlyMap<number, NamedTerminal>;
  /** Named memfds that tasks have mapped, by the file id of each of their entries. */
  readonly mappedMemfds: ReadonlyMap<number, MappedMemfd>;
  readonly memfds: Memfds;
  /** Capacities of the pipes of candidates, where the images say them. */
  readonly pipeSizes: ReadonlyMap<PipeName, number>;
  /** Descriptor tables that refer to an entry that a spec names. */
  readonly tables: ReadonlySet<number>;
  readonly tasks: Tasks;
  /** Warnings of images that tasks lack. */
  readonly missing: readonly MissingOfTasks[];
  readonly mounts: Mounts;
  /** The needs of the restore. */
  readonly needs: RestoreNeeds;
  /** No image has a file id above it. */
  readonly highestId: number;
  /** files.img itself, for mode and owner. */
  readonly filesImage: Member;
}

const PLAN_NAME = Buffer.from(PLAN_IMAGE);

/** The first pass: which entries the specs name, and what kinds of things refer to them. */
export async function survey(
  source: Source,
  specs: readonly InheritSpec[],
  resolved: ResolvedKeys,
  signal?: AbortSignal,
): Promise<Survey> {
  const surveyor = new Surveyor(specs, resolved);
  await surveyor.walk(source, signal);
  const found = surveyor.conclude(source.label);
  const sameFiles = await findSameFiles(source, found, specs, signal);
  const watchers = surveyor.watchers.isFound ? await findWatchers(source, found, signal) : NO_WATCHERS;
  const socketPeers = await findSocketPeers(source, found.matches, signal);
  const named = [...found.matches, ...found.notOpen];
  const mappedMemfds = await findMappedMemfds(source, named, found.memfds, signal);
  const terminals = await findTerminals(source, surveyor.terminals, found.matches, signal);
  return { ...found, watchers, sameFiles, socketPeers, mappedMemfds, terminals };
}

/**
 * Keeps what grows with the matches, since a directory gives files.img before the images that refer to it. Where a
 * source has another order, these are read once more.
 */
class Surveyor {
  private readonly layout = new Layout();
  private readonly tasks = new Tasks();
  private readonly taskImages = new TaskImages();
  private readonly mounts = new Mounts();
  readonly terminals = new Terminals();
  private memfds = new Memfds();
  readonly watchers = new WatcherFinder();
  private readonly needs = new RestoreNeedsFinder();
  private readonly candidates: Candidates;
  private readonly finder: ReferenceFinder;
  private filesImage: Member | undefined;

  constructor(
    specs: readonly InheritSpec[],
    private readonly resolved: ResolvedKeys,
  ) {
    this.candidates = new Candidates(specs, resolved);
    this.finder = new ReferenceFinder(this.candidates);
  }

  async walk(source: Source, signal: AbortSignal | undefined): Promise<void> {
    const { layout, tasks, mounts, terminals, watchers, needs, candidates, finder } = this;
    let early = false;
    const first: Subscriber = {
      member: ({ name }) => {
        if (name.equals(PLAN_NAME)) throw messages.planInSource(source.label);
      },
      image: (image, member) => {
        if (image.kind.name === 'FILES') this.filesImage = member;
      },
    };
    // References that come before the entries are to be read when those are known.
    const references: Subscriber = {
      ...finder.events,
      skips: (image) => {
        if (this.filesImage === undefined) early ||= tells(image, finder.events);
        return early || candidates.list.length === 0 || finder.events.skips?.(image) === true;
      },
    };
    const told = [
      this.taskImages.events,
      terminals.events,
      watchers.events,
      needs.events,
      needs.lockEvents,
      needs.namespaceEvents,
    ];
    const all = [first, layout.events, tasks.events, mounts.events, ...told, candidates.events, references];
    await walk(source, all, signal);
    if (early && candidates.list.length > 0) await walk(source, [layout.events, finder.events], signal);
    this.memfds = this.resolved.memfdStates ?? (await this.readNamedMemfds(source, signal));
  }

  /** A rewrite that has nothing to do with memfds leaves their image alone, whatever is in it. */
  private async readNamedMemfds(source: Source, signal: AbortSignal | undefined): Promise<Memfds> {
    const isNamed = this.candidates.list.some(({ facts }) => facts.memfdInode !== undefined);
    return isNamed ? readMemfds(source, signal) : new Memfds();
  }

  conclude(source: string): Omit<Survey, 'watchers' | 'sameFiles' | 'socketPeers' | 'mappedMemfds' | 'terminals'> {
    this.layout.check(source);
    if (this.filesImage === undefined) throw new TypeError('the layout has files.img');
    const { candidates, finder, memfds, terminals } = this;
    candidates.refuseRepeated();
    candidates.nameWith((facts) => memfds.withState(terminals.withKey(facts)));
    const references = this.gatherReferences();
    const isOpen = ({ id }: Match) => references.has(id);
    const matches = candidates.list.filter(isOpen);
    const pipes = new Set(matches.map(pipeOf));
    return {
      matches,
      notOpen: candidates.list.filter((match) => !isOpen(match)),
      references,
      otherReferences: this.gatherOtherReferences(),
      remaps: finder.remaps,
      mounts: this.mounts,
      memfds,
      names: finder.names,
      watched: candidates.watches,
      otherEnds: candidates.otherEnds.filter(({ pipe }) => pipes.has(pipe)),
      unread: finder.unread.filter(({ pipe }) => pipes.has(pipe)),
      queued: finder.queued,
      pipeSizes: finder.pipeSizes,
      tables: finder.tables,
      tasks: this.tasks,
      missing: this.taskImages.missing(this.tasks),
      needs: this.needs.conclude(terminals),
      highestId: Math.max(candidates.highestId, finder.highestId),
      filesImage: this.filesImage,
    };
  }

  private gatherReferences(): Map<number, References> {
    const { descriptors, scmRights } = this.finder;
    const ids = new Set([...descriptors.keys(), ...scmRights.keys()]);
    return new Map(
      [...ids].map((id) => [
        id,
        {
          descriptors: (descriptors.get(id) ?? []).sort((a, b) => a.table - b.table || a.fd - b.fd),
          scmRights: (scmRights.get(id) ?? []).sort((a, b) => a.packet - b.packet),
        },
      ]),
    );
  }

  private gatherOtherReferences(): Map<number, readonly string[]> {
    const { candidates, finder } = this;
    return new Map(
      candidates.list.flatMap(({ id }) => {
        const paths = candidates.regfHolders(id).map((kind) => `the path of a ${kind}`);
        const all = [...(finder.otherReferences.get(id) ?? []), ...paths];
        return all.length === 0 ? [] : [[id, all]];
      }),
    );
  }
}
