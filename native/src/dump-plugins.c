#include "dump-plugins.h"

#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "checkpoint.pb-c.h"
#include "exit-codes.h"
#include "image-records.h"
#include "message.h"

/* CRIU has three plugins of its own. */
#define NAMES_MAX 64
#define TEXT(number) TEXT_OF(number)
#define TEXT_OF(number) #number

static const struct image inventory = {
	.name = "inventory.img", .magic = 0x58313116u, .magic_name = "an inventory", .first_only = true};

static int add_names(struct dump_plugins *plugins, const PluginsEntry *entry, unsigned long long offset)
{
	if (plugins->count + entry->n_plugins > NAMES_MAX)
		return image_damaged(&inventory, offset, "plugins_entry names more plugins than the limit of " TEXT(NAMES_MAX));
	for (size_t i = 0; i < entry->n_plugins; i++) {
		char *name = strdup(entry->plugins[i]);

		if (!name) {
			message("out of memory");
			return EXIT_SYSTEM;
		}
		plugins->names[plugins->count++] = name;
	}
	return 0;
}

static int read_record(void *context, const unsigned char *record, size_t size, unsigned long long offset)
{
	InventoryEntry *entry = inventory_entry__unpack(&budget_allocator, size, record);
	int code = 0;

	if (!entry)
		return image_damaged(&inventory, offset, "the record is not an inventory_entry message");
	if (entry->plugins_entry)
		code = add_names(context, entry->plugins_entry, offset);
	inventory_entry__free_unpacked(entry, &budget_allocator);
	return code;
}

int dump_plugins_read(struct dump_plugins *plugins, const struct images *images)
{
	int code;

	*plugins = (struct dump_plugins){.names = calloc(NAMES_MAX, sizeof(*plugins->names))};
	if (!plugins->names) {
		message("out of memory");
		return EXIT_SYSTEM;
	}
	code = image_records(&inventory, images, read_record, plugins);
	if (code)
		dump_plugins_free(plugins);
	return code;
}

void dump_plugins_free(struct dump_plugins *plugins)
{
	for (size_t i = 0; i < plugins->count; i++)
		free(plugins->names[i]);
	free(plugins->names);
	*plugins = (struct dump_plugins){0};
}
