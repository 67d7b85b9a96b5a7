import test from 'ava';
import { IMG_COMMON } from '../../src/frames/image-kinds';
import { encodeMagics, encodeSize, frameRecord } from '../../src/frames/write-records';

const hex = (chunks: readonly Uint8Array[]) => Buffer.concat(chunks).toString('hex');

test('an image begins with one magic or two', (t) => {
  t.is(encodeMagics({ first: undefined, own: 0x56303138 }).toString('hex'), '38313056');
  t.is(encodeMagics({ first: IMG_COMMON, own: 0x56303138 }).toString('hex'), '1943565438313056');
});

test('a record has its size before it, whether it lies in one chunk or several', (t) => {
  t.is(encodeSize(258).toString('hex'), '02010000');
  t.is(hex(frameRecord()), '00000000');
  t.is(hex(frameRecord(Buffer.from('ab'))), '020000006162');
  t.is(hex(frameRecord(Buffer.from('ab'), Buffer.alloc(0), Buffer.from('c'))), '03000000616263');
});
