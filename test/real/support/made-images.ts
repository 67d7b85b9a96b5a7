import type protobuf from 'protobufjs';
import { IMAGE_KINDS, type ImageKind, type ImageName } from '../../../src/frames/image-kinds';
import { messageType, uint32 } from '../../support/images';

/** Images of every kind and with every field, of values that no program would make CRIU write. */
export interface MadeImage {
  readonly name: string;
  readonly bytes: Buffer;
}

const VARIANTS = ['bare', 'least', 'most', 'odd', 'odder', 'oddest'] as const;
type Variant = (typeof VARIANTS)[number];

const TEXTS = [
  'a "text" with \\ and / ',
  '\u0000\u0001\b\t\n\f\r\u001f\u007f',
  '\u00fc\u2028\uffff\ue000 and \u{1f98a}\u{10ffff}',
  '',
];

export function makeImages(): MadeImage[] {
  return IMAGE_KINDS.flatMap((kind) =>
    VARIANTS.map((variant, i) => ({ name: `${kind.name}, ${variant}`, bytes: makeImage(kind, new Maker(variant, i)) })),
  );
}

/** What has to be in a record for what follows it, and that. */
type Extra = (maker: Maker) => { fields: object; bytes: Buffer };

const bytesOf = (maker: Maker, field: string): ReturnType<Extra> => {
  const bytes = maker.bytes();
  return { fields: { [field]: bytes.length }, bytes };
};

/** The images that have more than records. */
const EXTRAS: { readonly [name in ImageName]?: Extra } = {
  PIPES_DATA: (maker) => bytesOf(maker, 'bytes'),
  FIFO_DATA: (maker) => bytesOf(maker, 'bytes'),
  SK_QUEUES: (maker) => bytesOf(maker, 'length'),
  TCP_STREAM: (maker) => {
    const [input, output] = [maker.bytes(), maker.bytes()];
    return { fields: { inq_len: input.length, outq_len: output.length }, bytes: Buffer.concat([input, output]) };
  },
  BPFMAP_DATA: (maker) => {
    const [keys, values] = [maker.bytes(), maker.bytes()];
    return { fields: { keys_bytes: keys.length, values_bytes: values.length }, bytes: Buffer.concat([keys, values]) };
  },
  IPCNS_SEM: (maker) => {
    const nsems = maker.below(9);
    return { fields: { nsems }, bytes: padded(maker.random(2 * nsems), 8) };
  },
  IPCNS_SHM: (maker) => {
    const memory = maker.bytes();
    return { fields: { size: memory.length, in_pagemaps: false }, bytes: padded(memory, 4) };
  },
  IPCNS_MSG: (maker) => {
    const letters = Array.from({ length: maker.below(4) }, () => {
      const text = maker.bytes();
      return Buffer.concat([record(messageType('ipc_msg'), maker, { msize: text.length }), padded(text, 8)]);
    });
    return { fields: { qnum: letters.length }, bytes: Buffer.concat(letters) };
  },
};

function makeImage(kind: ImageKind, maker: Maker): Buffer {
  const magics = [...(kind.firstMagic === undefined ? [] : [kind.firstMagic]), kind.magic].map(uint32);
  return Buffer.concat([...magics, ...records(kind, maker)]);
}

function records(kind: ImageKind, maker: Maker): Buffer[] {
  const type = messageType(kind.message);
  if (kind.name === 'GHOST_FILE') {
    const first = messageType('ghost_file_entry');
    const chunks = maker.below(4);
    if (chunks === 0) return [record(first, maker, { chunks: false }), maker.bytes()];
    const chunk = () => {
      const bytes = maker.bytes();
      return Buffer.concat([record(type, maker, { len: bytes.length }), bytes]);
    };
    return [record(first, maker, { chunks: true }), ...Array.from({ length: chunks }, chunk)];
  }
  const first = kind.name === 'PAGEMAP' ? [record(messageType('pagemap_head'), maker)] : [];
  const others = [0, 1, 2].map(() => {
    const { fields, bytes } = EXTRAS[kind.name]?.(maker) ?? { fields: {}, bytes: Buffer.alloc(0) };
    return Buffer.concat([record(type, maker, fields), bytes]);
  });
  // CRIU reads one record of some images, and crit all.
  return [...first, ...(ONE_RECORD.test(kind.name) ? others.slice(0, 1) : others)];
}

const ONE_RECORD =
  /^(INVENTORY|CORE|IDS|MM|CREDS|FS|UTSNS|TIMENS|PIDNS|USERNS|NETNS|IPC_VAR|CGROUP|SECCOMP|APPARMOR|CPUINFO|TCP_STREAM|STATS)$/;

function record(type: protobuf.Type, maker: Maker, fields: object = {}): Buffer {
  const message = type.fromObject({ ...maker.message(type), ...fields });
  const bytes = Buffer.from(type.encode(message).finish());
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function padded(bytes: Buffer, align: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((align - (bytes.length % align)) % align)]);
}

const BITS: { readonly [type: string]: readonly [bits: number, isSigned: boolean] } = {
  uint32: [32, false],
  fixed32: [32, false],
  int32: [32, true],
  sint32: [32, true],
  uint64: [64, false],
  fixed64: [64, false],
  int64: [64, true],
  sint64: [64, true],
};

/** Makes up values, always the same ones. */
class Maker {
  private state: number;
  private depth = 0;

  constructor(
    private readonly variant: Variant,
    seed: number,
  ) {
    this.state = 7919 * (seed + 1);
  }

  below(limit: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * limit);
  }

  random(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.below(256)));
  }

  bytes(): Buffer {
    if (this.variant === 'bare' || this.variant === 'least') return Buffer.alloc(0);
    // Whole lines of base64, and one byte less and more.
    const length = [0, 1, 56, 57, 58, 114, 300][this.below(8)];
    return length === undefined ? Buffer.from('two kinds\nof line ends\r\n = ') : this.random(length);
  }

  message(type: protobuf.Type): { [field: string]: unknown } {
    const fields = type.fieldsArray.filter((field) => {
      if (field.required) return true;
      if (this.variant === 'bare') return false;
      return !this.variant.startsWith('odde') || this.below(2) === 0;
    });
    this.depth += 1;
    const made = fields.map((field) => [field.name, this.field(field.resolve() as protobuf.Field)]);
    this.depth -= 1;
    return Object.fromEntries(made);
  }

  private field(field: protobuf.Field): unknown {
    if (!field.repeated) return this.value(field);
    const isAddress = field.options?.['(criu).ipadd'] === true;
    const isDeep = this.variant === 'least' || this.depth > 4;
    const count = isAddress ? [1, 4][this.below(2)] : isDeep ? 0 : this.below(4);
    const short = isAddress && this.variant.startsWith('odd');
    // Addresses with rows of zeros, and those of IPv4 inside IPv6.
    return Array.from({ length: count as number }, (_item, i) => {
      if (!short) return this.value(field);
      return [0, 0, 0xffff0000, this.below(2 ** 32)][this.below(4) === 0 ? this.below(4) : i];
    });
  }

  private value(field: protobuf.Field): unknown {
    const { resolvedType } = field;
    if (resolvedType !== null && 'fields' in resolvedType) return this.message(resolvedType);
    if (resolvedType !== null) {
      const values = Object.values(resolvedType.values);
      return values[this.below(values.length)];
    }
    const bits = BITS[field.type];
    if (bits !== undefined) return this.integer(field, ...bits);
    if (field.type === 'bool') return this.variant !== 'least' && this.below(2) === 1;
    if (field.type === 'string') return this.variant === 'least' ? '' : TEXTS[this.below(TEXTS.length)];
    if (field.type === 'bytes') return this.bytes();
    throw new Error(`no value for a ${field.type}`);
  }

  /** Those that CRIU has, and one that it has not. */
  private taskState(): string {
    return { least: '6', most: '3', odd: '2' }[this.variant as string] ?? '4';
  }

  private integer(field: protobuf.Field, bits: number, isSigned: boolean): string {
    if (field.options?.['(criu).dict'] === 'gen') return this.taskState();
    const most = 2n ** BigInt(isSigned ? bits - 1 : bits);
    if (this.variant === 'bare' || this.variant === 'least') return isSigned ? String(-most) : '0';
    if (this.variant === 'most') return String(most - 1n);
    // Small ones, which may have names, and any others.
    if (this.below(2) === 0 || field.options?.['(criu).dict'] !== undefined) return String(this.below(19));
    const any = (BigInt(this.below(2 ** 32)) << 32n) | BigInt(this.below(2 ** 32));
    return String(isSigned ? BigInt.asIntN(bits, any) : BigInt.asUintN(bits, any));
  }
}
