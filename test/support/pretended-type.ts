/** To be imported before anything that reads the table of types: an open namespace can be inherited. */
import { TYPE_ROWS } from '../../src/checkpoint/type-rows';
import { FILE_ENTRY } from '../../src/schema/generated/images';
import type { MessageField } from '../../src/schema/message';

const field = FILE_ENTRY.fields.find(({ name }) => name === 'nsf') as MessageField;
const schema = field.message();

interface Namespace {
  readonly flags: number;
  readonly ns_id: number;
}

const owner = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 };

TYPE_ROWS.NS = {
  ...TYPE_ROWS.NS,
  inherit: {
    schema,
    keys: ({ ns_id }: Namespace) => [`socket:[${ns_id}]`],
    describe: ({ flags, ns_id }: Namespace) => ({ key: `socket:[${ns_id}]`, flags, owner, kind: { name: 'pidfd' } }),
  },
};
