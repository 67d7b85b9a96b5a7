/* Memory for unpacked records, up to a limit: a small record can unpack into fifty times its size. */
#ifndef FDGRAFT_BUDGET_H
#define FDGRAFT_BUDGET_H

#include <protobuf-c/protobuf-c.h>

/* Two million references of one placeholder need less than half of it. */
#define UNPACKED_MAX ((size_t)1 << 30)

extern ProtobufCAllocator budget_allocator;

#endif
