#include "budget.h"

#include <stddef.h>
#include <stdlib.h>

#include "plan-limits.h"

static size_t taken;

/* The size stands before each block; the union keeps the alignment that malloc gives. */
union block {
	size_t size;
	max_align_t alignment;
};

static void *take(void *unused, size_t size)
{
	union block *block;

	(void)unused;
	if (size > UNPACKED_MAX - sizeof(*block) || sizeof(*block) + size > UNPACKED_MAX - taken)
		return NULL;
	block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->size = sizeof(*block) + size;
	taken += block->size;
	return block + 1;
}

static void give_back(void *unused, void *memory)
{
	union block *block = memory;

	(void)unused;
	if (!block)
		return;
	block--;
	taken -= block->size;
	free(block);
}

ProtobufCAllocator budget_allocator = {.alloc = take, .free = give_back, .allocator_data = NULL};
