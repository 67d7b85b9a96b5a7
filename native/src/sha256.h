/* SHA-256 as FIPS 180-4 defines it. */
#ifndef FDGRAFT_SHA256_H
#define FDGRAFT_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32
#define SHA256_HEX (2 * SHA256_SIZE)

struct sha256 {
	uint32_t state[8];
	uint64_t length;
	unsigned char block[64];
	size_t used;
};

void sha256_start(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *bytes, size_t length);
void sha256_end(struct sha256 *hash, unsigned char digest[SHA256_SIZE]);

/* hex gets SHA256_HEX digits and a final NUL. */
void sha256_hex(const unsigned char digest[SHA256_SIZE], char hex[SHA256_HEX + 1]);

#endif
