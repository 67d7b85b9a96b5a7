/* Memory for unpacked records, up to UNPACKED_MAX. */
#ifndef FDGRAFT_BUDGET_H
#define FDGRAFT_BUDGET_H

#include <protobuf-c/protobuf-c.h>

extern ProtobufCAllocator budget_allocator;

#endif
