import test from 'ava';
import { countBuffers, Meter } from '../fuzz/meter';
import { toImage, toJson } from '../support/conversions';
import { encodeMessage, imageOf, uint32 } from '../support/images';
import { headOf } from '../support/random-images';

const FOWN = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 };
/** An unknown field, so that JSON keeps the bytes of the message. */
const UNKNOWN = Buffer.from([0xf8, 0x07, 1]);
/** JSON and back is some 240 bytes of buffers for each byte; with buffers of 64 KiB for each message it was 47,000. */
const PER_BYTE = 400;

test('messages that no encoder writes do not take a large buffer each', async (t) => {
  const records = Array.from({ length: 2000 }, (_none, i) => {
    const inner = Buffer.concat([encodeMessage('fown_entry', FOWN), UNKNOWN]);
    const pipe = Buffer.concat([encodeMessage('pipe_entry', { id: i, pipe_id: i, flags: 0, fown: FOWN }), UNKNOWN]);
    const odd = Buffer.concat([pipe, Buffer.from([0x22, inner.length]), inner]);
    const entry = Buffer.concat([Buffer.from([0x08, 2, 0x10, 1, 0x92, 0x01, odd.length]), odd, UNKNOWN]);
    return Buffer.concat([uint32(entry.length), entry]);
  });
  const image = Buffer.concat([headOf(imageOf('FILES')), ...records]);
  countBuffers();
  const meter = new Meter();
  t.deepEqual(await toImage(await toJson(image)), image);
  t.true(meter.allocated < PER_BYTE * image.length, `${meter.allocated} bytes of buffers for ${image.length}`);
});
