"""The part of the package lz4 that crit compress uses, as far as it needs it: valid LZ4 blocks, small for a repeated
byte and not smaller for anything else. Debian's crit comes without the package."""


def _length(n):
    """The four bits of a token, and the bytes that continue them."""
    if n < 15:
        return n, b''
    return 15, b'\xff' * ((n - 15) // 255) + bytes([(n - 15) % 255])


def _literals(data):
    bits, more = _length(len(data))
    return bytes([bits << 4]) + more + data


def compress(data, mode=None, store_size=True, acceleration=1):
    assert not store_size
    data = bytes(data)
    if len(data) < 32 or data != data[:1] * len(data):
        return _literals(data)
    # One literal, a match of it that goes on, and the last five bytes, which are literals always.
    bits, more = _length(len(data) - 1 - 5 - 4)
    return bytes([1 << 4 | bits]) + data[:1] + b'\x01\x00' + more + _literals(data[-5:])


def decompress(data, uncompressed_size):
    out, at = bytearray(), 0

    def length(bits):
        nonlocal at
        total = bits
        while bits == 15:
            total += data[at]
            at += 1
            if data[at - 1] != 255:
                break
        return total

    while True:
        token = data[at]
        at += 1
        count = length(token >> 4)
        out += data[at:at + count]
        at += count
        if at >= len(data):
            assert len(out) == uncompressed_size
            return bytes(out)
        begin = len(out) - (data[at] | data[at + 1] << 8)
        at += 2
        for i in range(length(token & 15) + 4):
            out.append(out[begin + i])
