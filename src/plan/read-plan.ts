import protobuf from 'protobufjs/light';
import type { ByteReader } from '../bytes/byte-stream';
import { LIMITS } from '../checkpoint/limits';
import { messages } from '../errors/messages';
import { WireFault } from '../errors/wire-fault';
import { IMG_COMMON, PLAN_MAGIC } from '../frames/image-kinds';
import { RecordReader } from '../frames/record-reader';
import descriptor from '../schema/generated/plan.json';
import {
  PLAN_FORMAT,
  type Plan,
  type PlanCredentials,
  type PlanDescriptor,
  type PlanInFlight,
  type PlanKind,
  type PlanMapping,
  type PlanPlaceholder,
  type PlanReference,
  type PlanScmRight,
  type PlanSocket,
} from './plan';
import { StoredReferences, withoutReferences } from './stored-references';

type Decoded = Omit<Plan, 'placeholders'> & { placeholders: number };
/** References of larger records are decoded when they are asked for: there can be a million. */
const LARGE_RECORD_BYTES = 1 << 16;

type DecodedPlaceholder = Omit<
  PlanPlaceholder,
  'apply' | 'position' | 'references' | 'in_flight' | 'was' | 'truncate_to' | 'kind' | 'unnamed' | 'hung_up' | 'mapping'
> & {
  kind?: Omit<PlanKind, 'socket'> & { socket?: Omit<PlanSocket, 'state'> & { state: string } };
  unnamed: number[];
  hung_up: number[];
  mapping?: Omit<PlanMapping, 'bytes'> & { bytes: string };
  truncate_to?: string;
  apply: string;
  position: string;
  was: Omit<PlanPlaceholder['was'], 'offset'> & { offset?: string };
  references: { descriptor?: PlanDescriptor; scm_right?: PlanScmRight }[];
  in_flight: (Omit<PlanInFlight, 'fate' | 'offset' | 'bytes'> & { fate: string; offset: string; bytes: string })[];
};

let root: protobuf.Root | undefined;

/** The messages of a plan. They are made once: it takes longer than to read most plans, and a batch reads many. */
function planRoot(): protobuf.Root {
  root ??= protobuf.Root.fromJSON(descriptor as protobuf.INamespace);
  return root;
}

/** Reads an inherit-plan.img. `file`: how messages name it. Throws FdgraftError. */
export async function readPlan(image: ByteReader, file: string): Promise<Plan> {
  const reader = new RecordReader(image, file);
  try {
    const { first, own } = await reader.magics();
    if (first !== IMG_COMMON || own !== PLAN_MAGIC) throw messages.noPlan(file, 'its magics are not those of a plan');
    const records: Buffer[] = [];
    for (let batch = await reader.nextBatch(); batch !== undefined; batch = await reader.nextBatch()) {
      const placeholders = records.length + batch.count - 1;
      if (placeholders > LIMITS.placeholders) throw messages.planTooLarge(file, LIMITS.placeholders);
      for (let i = 0; i < batch.count; i += 1)
        records.push(Buffer.from(batch.bytes.subarray(batch.starts[i], batch.ends[i])));
    }
    return assemble(records, file);
  } finally {
    reader.release();
  }
}

function assemble([headRecord, ...others]: readonly Buffer[], file: string): Plan {
  const decode: Decode = (name, record) => {
    const type = planRoot().lookupType(`fdgraft.${name}`);
    try {
      return type.toObject(type.decode(record), { enums: String, longs: String, bytes: Buffer, arrays: true });
    } catch (error) {
      throw messages.noPlan(file, `a record of it is no ${name}: ${(error as Error).message}`);
    }
  };
  if (headRecord === undefined) throw messages.noPlan(file, 'it has no records');
  const head = decode('plan_head', headRecord) as Decoded;
  if (head.format < 1 || head.format > PLAN_FORMAT) throw messages.planFormatUnknown(file, head.format, PLAN_FORMAT);
  if (head.placeholders !== others.length) {
    throw messages.noPlan(file, `it has ${others.length} placeholders, and its head says ${head.placeholders}`);
  }
  refuseDisorder(head, file);
  const placeholders = others.map((record) => {
    if (record.length < LARGE_RECORD_BYTES)
      return toPlaceholder(decode('plan_placeholder', record) as DecodedPlaceholder);
    return toLargePlaceholder(record, file, referencesField(planRoot()), decode);
  });
  return { ...head, credentials: head.credentials.map(toCredentials), placeholders };
}

/** So that no image is hashed again and again. */
function refuseDisorder({ images }: Pick<Plan, 'images'>, file: string): void {
  let last = '';
  for (const { name } of images) {
    if (Buffer.compare(Buffer.from(last), Buffer.from(name)) >= 0) {
      throw messages.noPlan(file, `it names the image ${name} twice, or not in the order of names`);
    }
    last = name;
  }
}

type Decode = (name: string, record: Uint8Array) => unknown;

function toLargePlaceholder(record: Buffer, file: string, number: number, decode: Decode): PlanPlaceholder {
  const { others, count } = split(record, number, file);
  const placeholder = toPlaceholder(decode('plan_placeholder', others) as DecodedPlaceholder);
  const decodeOne = (bytes: Uint8Array) => decode('plan_reference', bytes) as PlanReference;
  const references = new StoredReferences(record, number, count, decodeOne);
  // Whoever asks for them later need not expect a fault.
  for (const _each of references);
  return { ...placeholder, references };
}

function split(record: Buffer, number: number, file: string) {
  try {
    return withoutReferences(record, number);
  } catch (error) {
    if (!(error instanceof WireFault)) throw error;
    throw messages.noPlan(file, `a record of it is no plan_placeholder: ${error.message}`);
  }
}

function referencesField(root: protobuf.Root): number {
  return (root.lookupType('fdgraft.plan_placeholder').fields.references as protobuf.Field).id;
}

function toCredentials({ file_size, ...others }: Decoded['credentials'][number]): PlanCredentials {
  return { ...others, ...(file_size === undefined ? {} : { file_size: BigInt(file_size) }) };
}

function toKind({ name, socket, seals }: NonNullable<DecodedPlaceholder['kind']>): PlanKind {
  if (socket === undefined) return { name, ...(seals === undefined ? {} : { seals }) };
  return { name, socket: { ...socket, state: socket.state.replace('SOCKET_STATE_', '') as PlanSocket['state'] } };
}

function toPlaceholder(decoded: DecodedPlaceholder): PlanPlaceholder {
  const { truncate_to, kind, unnamed, hung_up, mapping, ...others } = decoded;
  const { offset, ...was } = decoded.was;
  return {
    ...others,
    ...(truncate_to === undefined ? {} : { truncate_to: BigInt(truncate_to) }),
    ...(kind === undefined ? {} : { kind: toKind(kind) }),
    ...(unnamed.length === 0 ? {} : { unnamed }),
    ...(hung_up.length === 0 ? {} : { hung_up }),
    ...(mapping === undefined ? {} : { mapping: { ...mapping, bytes: BigInt(mapping.bytes) } }),
    apply: decoded.apply.replace('APPLY_', '') as PlanPlaceholder['apply'],
    position: decoded.position.replace('POSITION_', '') as PlanPlaceholder['position'],
    was: offset === undefined ? was : { ...was, offset: BigInt(offset) },
    references: decoded.references as PlanReference[],
    in_flight: decoded.in_flight.map((bytes) => ({
      ...bytes,
      offset: Number(bytes.offset),
      bytes: Number(bytes.bytes),
      fate: bytes.fate.replace('FATE_', '') as PlanInFlight['fate'],
    })),
  };
}
