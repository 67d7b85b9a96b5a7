#include "access-check.h"

#include <stdio.h>
#include <stdlib.h>

#include "by-value.h"
#include "credentials.h"
#include "escape.h"
#include "message.h"

#define MAY_WRITE 2u
#define MAY_READ 4u
#define PERMISSIONS 07777
/* Room for u+rw,g+rw,o+rw. */
#define CHANGES_SIZE 16

/* An owner that a file of the caller has, or could be given; ids as the caller sees them. */
struct owner {
	uint32_t uid;
	uint32_t gid;
};

/* Descriptors of tasks with the same credentials that get the same caller fd. */
struct refusal {
	const struct caller *caller;
	uint32_t credentials;
	uint32_t spec; /* this and the next are those of the first */
	uint32_t pid;
	uint32_t fd;
	unsigned int needs;
	size_t others;
};

/* Refusals that are told; others are counted. */
#define REFUSALS_MAX 50

/* What would let all tasks open a file of the caller. */
struct remedy {
	bool refused;
	bool by_owner; /* giving it to this owner is enough */
	struct owner owner;
	mode_t bits; /* to be added to its mode otherwise */
};

struct checking {
	const struct plan *plan;
	const struct callers *callers;
	struct remedy *remedies; /* one for each caller */
	bool is_trial; /* with the owners that the remedies would give */
	struct refusal refusals[REFUSALS_MAX];
	size_t refusal_count;
	size_t untold; /* descriptors */
};

/* Ids map one to one: outside is inside where the tasks have the user namespace of the restore. */
static bool map_id(const Fdgraft__PlanUserNamespace *namespace, Fdgraft__PlanIdRange *const *ranges, size_t count, uint32_t id,
		   bool inwards, uint32_t *mapped)
{
	*mapped = id;
	if (!namespace)
		return true;
	for (size_t i = 0; i < count; i++) {
		uint32_t from = inwards ? ranges[i]->outside : ranges[i]->inside;

		if (id < from || id - from >= ranges[i]->count)
			continue;
		*mapped = (inwards ? ranges[i]->inside : ranges[i]->outside) + (id - from);
		return true;
	}
	return false;
}

static bool map_uid(const struct plan *plan, uint32_t uid, bool inwards, uint32_t *mapped)
{
	const Fdgraft__PlanUserNamespace *namespace = plan->head->user_namespace;

	return map_id(namespace, namespace ? namespace->uids : NULL, namespace ? namespace->n_uids : 0, uid, inwards, mapped);
}

static bool map_gid(const struct plan *plan, uint32_t gid, bool inwards, uint32_t *mapped)
{
	const Fdgraft__PlanUserNamespace *namespace = plan->head->user_namespace;

	return map_id(namespace, namespace ? namespace->gids : NULL, namespace ? namespace->n_gids : 0, gid, inwards, mapped);
}

static bool is_member(const Fdgraft__PlanCredentials *credentials, uint32_t gid)
{
	return gid == credentials->gid || (credentials->n_groups > 0 && bsearch(&gid, credentials->groups, credentials->n_groups,
										sizeof(gid), by_value));
}

/* As the kernel decides (inode_permission() without ACLs). *class: how far to the left its bits of the mode are. */
static bool may_open(const struct plan *plan, const Fdgraft__PlanCredentials *credentials, mode_t mode, struct owner owner,
		     unsigned int needs, unsigned int *class)
{
	uint32_t uid, gid;
	bool has_uid = map_uid(plan, owner.uid, true, &uid);
	bool has_gid = map_gid(plan, owner.gid, true, &gid);

	*class = has_uid && uid == credentials->uid ? 6 : has_gid && is_member(credentials, gid) ? 3 : 0;
	if ((needs & ~(mode >> *class)) == 0)
		return true;
	/* Capabilities count for files whose owner the task's user namespace knows. */
	return has_uid && has_gid &&
	       (credentials->overrides_access || (credentials->overrides_reading && needs == MAY_READ));
}

static void count_refusal(struct checking *checking, struct refusal refusal)
{
	for (size_t i = checking->refusal_count; i > 0; i--) {
		struct refusal *known = &checking->refusals[i - 1];

		if (known->caller == refusal.caller && known->credentials == refusal.credentials) {
			known->others++;
			return;
		}
	}
	if (checking->refusal_count < REFUSALS_MAX)
		checking->refusals[checking->refusal_count++] = refusal;
	else
		checking->untold++;
}

/* The first who is refused would be the owner; whether that does for all the others is tried later. */
static void suggest(struct remedy *remedy, const struct plan *plan, const struct caller *caller,
		    const Fdgraft__PlanCredentials *credentials, unsigned int needs, unsigned int class)
{
	mode_t mode = caller->status.st_mode;

	if (!remedy->refused)
		remedy->by_owner = map_uid(plan, credentials->uid, false, &remedy->owner.uid) &&
				   map_gid(plan, credentials->gid, false, &remedy->owner.gid);
	remedy->refused = true;
	remedy->bits |= (needs & ~(mode >> class)) << class;
}

static void check_one(struct checking *checking, const struct graft *graft, const struct caller *caller,
		      const Fdgraft__PlanDescriptor *descriptor, uint32_t pid)
{
	const struct plan *plan = checking->plan;
	const struct task_credentials *task = credentials_of(plan, pid);
	struct remedy *remedy = &checking->remedies[caller - checking->callers->list];
	unsigned int needs = (graft->needs_read ? MAY_READ : 0) | (graft->needs_write ? MAY_WRITE : 0);
	struct owner owner = {.uid = caller->status.st_uid, .gid = caller->status.st_gid};
	const Fdgraft__PlanCredentials *credentials;
	unsigned int class;

	if (!task)
		return;
	if (checking->is_trial)
		owner = remedy->owner;
	credentials = plan->head->credentials[task->credentials];
	if (may_open(plan, credentials, caller->status.st_mode, owner, needs, &class))
		return;
	if (checking->is_trial) {
		remedy->by_owner = false;
		return;
	}
	suggest(remedy, plan, caller, credentials, needs, class);
	count_refusal(checking, (struct refusal){
					.caller = caller,
					.credentials = task->credentials,
					.spec = graft->spec,
					.pid = pid,
					.fd = descriptor->fd,
					.needs = needs,
				});
}

static bool can_be_opened_by_path(const struct caller *caller)
{
	return caller->kind == CALLER_FILE || caller_is_pipe(caller) || caller->kind == CALLER_DEVICE;
}

static int check_placeholder(void *context, const Fdgraft__PlanPlaceholder *placeholder, size_t number, size_t offset)
{
	struct checking *checking = context;
	const struct graft *graft = &checking->plan->grafts[number];
	const struct caller *caller = caller_find(checking->callers, graft->caller_fd);

	(void)offset;
	/* What is wrong with the refused ones is said. */
	if (graft->refused || !caller || !can_be_opened_by_path(caller))
		return 0;
	if (checking->is_trial && !checking->remedies[caller - checking->callers->list].by_owner)
		return 0;
	for (size_t i = 0; i < placeholder->n_references; i++) {
		const Fdgraft__PlanReference *reference = placeholder->references[i];

		/* Who takes an SCM right out of its queue is not known. */
		if (reference->holder_case != FDGRAFT__PLAN_REFERENCE__HOLDER_DESCRIPTOR)
			continue;
		for (size_t k = 0; k < reference->descriptor->n_pids; k++)
			check_one(checking, graft, caller, reference->descriptor, reference->descriptor->pids[k]);
	}
	return 0;
}

/* The bits as chmod takes them. */
static const char *name_changes(char changes[CHANGES_SIZE], mode_t bits)
{
	static const char classes[] = "ugo";
	size_t length = 0;

	for (int class = 0; class < 3; class++) {
		unsigned int wanted = bits >> (6 - 3 * class) & (MAY_READ | MAY_WRITE);

		if (!wanted)
			continue;
		if (length > 0)
			changes[length++] = ',';
		changes[length++] = classes[class];
		changes[length++] = '+';
		if (wanted & MAY_READ)
			changes[length++] = 'r';
		if (wanted & MAY_WRITE)
			changes[length++] = 'w';
	}
	changes[length] = '\0';
	return changes;
}

static const char *show_way_out(char *text, size_t size, const struct remedy *remedy, uint32_t number)
{
	char changes[CHANGES_SIZE];

	if (remedy->by_owner)
		snprintf(text, size, "chown %u:%u /proc/self/fd/%u", remedy->owner.uid, remedy->owner.gid, number);
	else
		snprintf(text, size, "chmod %s /proc/self/fd/%u", name_changes(changes, remedy->bits), number);
	return text;
}

static const char *show_others(char *text, size_t size, size_t others)
{
	text[0] = '\0';
	if (others > 0)
		snprintf(text, size, ", nor %zu more descriptor%s of tasks with its credentials", others, others == 1 ? "" : "s");
	return text;
}

static void tell(const struct checking *checking, const struct refusal *refusal)
{
	const struct caller *caller = refusal->caller;
	const Fdgraft__PlanCredentials *credentials = checking->plan->head->credentials[refusal->credentials];
	const char *where = checking->plan->head->user_namespace ? " in its user namespace" : "";
	const char *access = refusal->needs == (MAY_READ | MAY_WRITE) ? "reading and writing" :
			     refusal->needs == MAY_READ		      ? "reading" :
									"writing";
	char way_out[80], others[80];
	struct shown spec;

	warning("caller fd %u is %s of owner %u:%u and mode %04o (spec %s): task %u (uid %u, gid %u%s) cannot open its descriptor %u again as /proc/self/fd/%u for %s%s; if a task does so, run before the restore, with fd %u open: %s",
		caller->number, caller_kind_name(caller->kind), caller->status.st_uid, caller->status.st_gid,
		(unsigned int)caller->status.st_mode & PERMISSIONS, show_spec(&spec, checking->plan, refusal->spec), refusal->pid,
		credentials->uid, credentials->gid, where, refusal->fd, refusal->fd, access,
		show_others(others, sizeof(others), refusal->others), caller->number,
		show_way_out(way_out, sizeof(way_out), &checking->remedies[caller - checking->callers->list], caller->number));
}

/* -1 has said why. */
static int check_all(struct checking *checking)
{
	if (plan_each(checking->plan, check_placeholder, checking))
		return -1;
	if (checking->refusal_count == 0)
		return 0;
	/* An owner that helps one task can shut out another. */
	checking->is_trial = true;
	if (plan_each(checking->plan, check_placeholder, checking))
		return -1;
	for (size_t i = 0; i < checking->refusal_count; i++)
		tell(checking, &checking->refusals[i]);
	if (checking->untold > 0)
		warning("%zu more descriptors cannot be opened again by their tasks", checking->untold);
	return 0;
}

int access_check(const struct plan *plan, const struct callers *callers)
{
	struct checking *checking;
	int result;

	if (plan->task_count == 0 || callers->count == 0)
		return 0;
	checking = calloc(1, sizeof(*checking));
	if (checking) {
		checking->plan = plan;
		checking->callers = callers;
		checking->remedies = calloc(callers->count, sizeof(*checking->remedies));
	}
	if (!checking || !checking->remedies) {
		message("out of memory for %zu caller fds", callers->count);
		free(checking);
		return -1;
	}
	result = check_all(checking);
	free(checking->remedies);
	free(checking);
	return result;
}
