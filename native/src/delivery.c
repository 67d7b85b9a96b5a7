#include "delivery.h"

#include <stdlib.h>

#include "message.h"

/* By what the caller's descriptor is open on, then as in the plan. */
static int by_file(const void *left, const void *right)
{
	const struct piece *a = left;
	const struct piece *b = right;
	int order = caller_compare_files(a->caller, b->caller);

	return order ? order : (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

int deliveries_collect(struct deliveries *deliveries, const struct plan *plan, const struct callers *callers)
{
	size_t pieces = 0;

	*deliveries = (struct deliveries){0};
	if (plan->in_flight_count == 0)
		return 0;
	deliveries->pieces = calloc(plan->in_flight_count, sizeof(*deliveries->pieces));
	deliveries->list = calloc(plan->in_flight_count, sizeof(*deliveries->list));
	if (!deliveries->pieces || !deliveries->list) {
		message("out of memory for %zu records of bytes in flight", plan->in_flight_count);
		deliveries_free(deliveries);
		return -1;
	}
	for (size_t i = 0; i < plan->in_flight_count; i++) {
		struct in_flight *bytes = &plan->in_flight[i];
		const struct caller *caller = caller_find(callers, plan->grafts[bytes->graft].caller_fd);

		/* What is wrong with these is said by choose(). */
		if (!caller || caller->kind == CALLER_CLOSED || caller->kind == CALLER_PATH || caller->kind == CALLER_DIRECTORY)
			continue;
		deliveries->pieces[pieces++] = (struct piece){.bytes = bytes, .caller = caller};
	}
	qsort(deliveries->pieces, pieces, sizeof(*deliveries->pieces), by_file);
	for (size_t i = 0; i < pieces; i++) {
		if (i == 0 || caller_compare_files(deliveries->pieces[i].caller, deliveries->pieces[i - 1].caller) != 0)
			deliveries->list[deliveries->count++].pieces = &deliveries->pieces[i];
		deliveries->list[deliveries->count - 1].count++;
	}
	return 0;
}

static int goes_to(const void *caller, const void *delivery)
{
	return caller_compare_files(caller, ((const struct delivery *)delivery)->pieces[0].caller);
}

struct delivery *delivery_into(const struct deliveries *deliveries, const struct caller *caller)
{
	if (deliveries->count == 0)
		return NULL;
	return bsearch(caller, deliveries->list, deliveries->count, sizeof(*deliveries->list), goes_to);
}

void deliveries_limit(struct deliveries *deliveries, const struct plan *plan, const struct callers *callers,
		      const struct targets *targets)
{
	size_t kept = 0;

	for (size_t i = 0; i < targets->count; i++) {
		const struct graft *graft = &plan->grafts[targets->list[i].graft];
		const struct caller *caller = graft->needs_read ? caller_find(callers, graft->caller_fd) : NULL;
		struct delivery *delivery;

		if (!caller || caller->kind == CALLER_CLOSED)
			continue;
		delivery = delivery_into(deliveries, caller);
		if (delivery)
			delivery->is_read = true;
	}
	for (size_t i = 0; i < deliveries->count; i++)
		if (deliveries->list[i].is_read)
			deliveries->list[kept++] = deliveries->list[i];
	deliveries->count = kept;
}

void deliveries_free(struct deliveries *deliveries)
{
	free(deliveries->pieces);
	free(deliveries->list);
	*deliveries = (struct deliveries){0};
}
