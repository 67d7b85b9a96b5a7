/** To be imported before anything that reads the table of types: an eventfd can be inherited. */
import { TYPE_ROWS } from '../../src/checkpoint/type-rows';
import { FILE_ENTRY } from '../../src/schema/generated/images';
import type { MessageSchema } from '../../src/schema/message';

const schema = FILE_ENTRY.fields.find(({ name }) => name === 'efd')?.message?.() as MessageSchema<unknown>;

interface Eventfd {
  readonly flags: number;
  readonly fown: { uid: number; euid: number; signum: number; pid_type: number; pid: number };
  readonly counter: bigint;
}

TYPE_ROWS.EVENTFD = {
  ...TYPE_ROWS.EVENTFD,
  inherit: {
    schema,
    owner: 'fown',
    describe: ({ flags, fown, counter }: Eventfd) => ({ key: `eventfd of ${counter}`, flags, owner: fown }),
  },
};
