#include "plugin-directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump-plugins.h"
#include "escape.h"
#include "exit-codes.h"
#include "libs-variable.h"
#include "list-dir.h"
#include "message.h"
#include "private-dir.h"

#define OWN_NAME "fdgraft"
#define PLUGIN_NAME OWN_NAME ".so"

/* Where CRIU looks when nothing is set: as distributions and CRIU's own Makefile have it. */
#define BUILT_IN_PLUGINS "/usr/lib/criu", "/usr/lib64/criu", "/usr/local/lib/criu", "/usr/local/lib64/criu"
#define BUILT_IN_PLUGINS_TEXT "/usr/lib/criu, /usr/lib64/criu, /usr/local/lib/criu or /usr/local/lib64/criu"

static const char *const built_in[] = {BUILT_IN_PLUGINS};

#define BUILT_IN_COUNT (sizeof(built_in) / sizeof(built_in[0]))
/* Plugins of CRIU have less than 1 MiB. */
#define SEARCHED_MAX (64 << 20)

/* As CRIU judges: the last three characters. */
static bool is_plugin_name(const char *name)
{
	size_t length = strlen(name);

	return length >= 3 && strcmp(name + length - 3, ".so") == 0;
}

/* fdgraft.so of this program. */
struct own {
	char directory[PATH_MAX];
	dev_t dev;
	ino_t ino;
};

/* CRIU would start ours twice if another name led to it as well. */
static bool is_ours(const struct own *own, const char *name, const struct stat *status)
{
	return strcmp(name, PLUGIN_NAME) == 0 || (status->st_dev == own->dev && status->st_ino == own->ino);
}

/* Called for each plugin of a directory but ours; anything but 0 ends it and is returned. */
typedef int plugin_visitor(void *context, const char *directory, const char *name);

static int each_plugin(const struct own *own, const char *path, plugin_visitor *visit, void *context)
{
	DIR *stream = opendir(path);
	struct dirent *entry;
	int result = 0;

	if (!stream)
		return -1;
	while (result == 0 && (entry = next_entry(stream)) != NULL) {
		struct stat status;

		if (!is_plugin_name(entry->d_name) || fstatat(dirfd(stream), entry->d_name, &status, 0))
			continue;
		if (!S_ISREG(status.st_mode) || is_ours(own, entry->d_name, &status))
			continue;
		result = visit(context, path, entry->d_name);
	}
	if (result == 0 && errno != 0)
		result = -1;
	end_list(stream);
	return result;
}

static int count_one(void *context, const char *directory, const char *name)
{
	(void)directory;
	(void)name;
	++*(size_t *)context;
	return 0;
}

/* For our own directory, where CRIU would load whatever ends in .so, regular file or not. */
static bool holds_only_ours(const char *path)
{
	DIR *stream = opendir(path);
	struct dirent *entry;
	bool only = stream != NULL;

	while (only && (entry = next_entry(stream)) != NULL)
		only = !is_plugin_name(entry->d_name) || strcmp(entry->d_name, PLUGIN_NAME) == 0;
	/* The links that are made otherwise do no harm. */
	only = only && errno == 0;
	if (stream)
		closedir(stream);
	return only;
}

static int find_own(struct own *own)
{
	char plugin[PATH_MAX + sizeof("/" PLUGIN_NAME)];
	struct stat status;
	struct shown shown;
	char *slash;
	ssize_t length = readlink("/proc/self/exe", own->directory, PATH_MAX - 1);

	if (length < 0) {
		message("cannot read the link /proc/self/exe: %s; /proc has to be mounted", cause_of(errno));
		return EXIT_SYSTEM;
	}
	own->directory[length] = '\0';
	slash = strrchr(own->directory, '/');
	if (!slash) {
		message("cannot tell where fdgraft-exec is: /proc/self/exe is %s", show_raw(&shown, own->directory));
		return EXIT_SYSTEM;
	}
	*slash = '\0';
	snprintf(plugin, sizeof(plugin), "%s/" PLUGIN_NAME, own->directory);
	if (access(plugin, R_OK) || stat(plugin, &status)) {
		message("cannot read %s: %s; fdgraft-exec and " PLUGIN_NAME " have to stand in one directory", show_raw(&shown, plugin),
			cause_of(errno));
		return EXIT_SYSTEM;
	}
	own->dev = status.st_dev;
	own->ino = status.st_ino;
	return 0;
}

static int add_link(void *context, const char *directory, const char *name)
{
	const char *into = context;
	char target[PATH_MAX + NAME_MAX + 2];
	char link[PATH_MAX + NAME_MAX + 2];
	struct shown shown;

	snprintf(target, sizeof(target), "%s/%s", directory, name);
	snprintf(link, sizeof(link), "%s/%s", into, name);
	/* The first directory that has a name wins. */
	if (symlink(target, link) == 0 || errno == EEXIST)
		return 0;
	message("cannot make the link %s: %s", show_raw(&shown, link), cause_of(errno));
	return EXIT_SYSTEM;
}

struct sources {
	char paths[BUILT_IN_COUNT][PATH_MAX];
	size_t count;
};

/* True if the path behind the list is in it, as on systems where /usr/lib64 is a link to /usr/lib. */
static bool is_listed(const struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		if (strcmp(sources->paths[i], sources->paths[sources->count]) == 0)
			return true;
	return false;
}

/* The directories to bring along, as absolute paths without links. */
static int find_sources(struct sources *sources, const char *plugins)
{
	const char *environment = getenv(LIBS_ENV);
	const char *given = plugins ? plugins : environment;
	struct shown shown;
	struct stat status;

	sources->count = 0;
	if (given) {
		const char *wrong = NULL;

		if (!realpath(given, sources->paths[0]) || stat(sources->paths[0], &status))
			wrong = cause_of(errno);
		else if (!S_ISDIR(status.st_mode))
			wrong = "not a directory";
		if (wrong) {
			message("%s %s: %s; give a directory with CRIU plugins", plugins ? "--plugins" : LIBS_ENV, show_raw(&shown, given),
				wrong);
			return EXIT_UNUSABLE;
		}
		sources->count = 1;
		return 0;
	}
	for (size_t i = 0; i < BUILT_IN_COUNT; i++)
		if (realpath(built_in[i], sources->paths[sources->count]) && !is_listed(sources))
			sources->count++;
	return 0;
}

static int make_directory(struct plugin_directory *directory, const struct own *own, const struct sources *sources, struct start_dir *dir)
{
	struct shown shown;
	int result;

	if (strlen(dir->path) + sizeof("/" PLUGINS_NAME) > sizeof(directory->path)) {
		message("%s: the path is too long for a directory of plugins", show_raw(&shown, dir->path));
		return EXIT_SYSTEM;
	}
	snprintf(directory->path, sizeof(directory->path), "%.*s/" PLUGINS_NAME, (int)(sizeof(directory->path) - sizeof("/" PLUGINS_NAME)),
		 dir->path);
	if (private_dir_make(dir->fd, PLUGINS_NAME)) {
		message("cannot make the directory %s: %s", show_raw(&shown, directory->path), cause_of(errno));
		return EXIT_SYSTEM;
	}
	dir->has_plugins = true;
	result = add_link(directory->path, own->directory, PLUGIN_NAME);
	for (size_t i = 0; result == 0 && i < sources->count; i++) {
		result = each_plugin(own, sources->paths[i], add_link, directory->path);
		if (result < 0) {
			message("cannot list the plugins in %s: %s", show_raw(&shown, sources->paths[i]), cause_of(errno));
			result = EXIT_SYSTEM;
		}
	}
	return result;
}

int plugin_directory_find(struct plugin_directory *directory, const char *plugins, struct start_dir *dir)
{
	struct sources sources;
	struct own own;
	struct shown shown;
	size_t others = 0;
	int result;

	result = find_own(&own);
	if (result)
		return result;
	result = find_sources(&sources, plugins);
	if (result)
		return result;
	for (size_t i = 0; i < sources.count; i++)
		if (each_plugin(&own, sources.paths[i], count_one, &others) < 0) {
			message("cannot list the plugins in %s: %s", show_raw(&shown, sources.paths[i]), cause_of(errno));
			return EXIT_SYSTEM;
		}
	if (!dir)
		return 0;
	if (others > 0 || !holds_only_ours(own.directory))
		return make_directory(directory, &own, &sources, dir);
	memcpy(directory->path, own.directory, sizeof(directory->path));
	return 0;
}

/* A plugin in a file of another name than its own has that name in it, and its end. */
static bool contains_name(const char *path, const char *name)
{
	bool found = false;
	char *bytes = NULL;
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= SEARCHED_MAX)
		bytes = malloc((size_t)status.st_size + 1);
	if (bytes) {
		ssize_t length = read(fd, bytes, (size_t)status.st_size);

		found = length > 0 && memmem(bytes, (size_t)length, name, strlen(name) + 1) != NULL;
	}
	free(bytes);
	if (fd >= 0)
		close(fd);
	return found;
}

static int is_plugin_of_name(void *context, const char *directory, const char *file)
{
	const char *name = context;
	size_t length = strlen(name);
	char path[PATH_MAX + NAME_MAX + 2];

	if (strncmp(file, name, length) == 0 && strcmp(file + length, ".so") == 0)
		return 1;
	snprintf(path, sizeof(path), "%s/%s", directory, file);
	return length > 0 && contains_name(path, name);
}

/* Names the directories that were searched: the given ones, or the default. */
static void describe_sources(char text[SHOWN_MAX], const char *plugins)
{
	const char *environment = getenv(LIBS_ENV);
	struct shown shown;

	if (plugins || environment)
		snprintf(text, SHOWN_MAX, "%s %.900s", plugins ? "--plugins" : LIBS_ENV,
			 show_raw(&shown, plugins ? plugins : environment));
	else
		snprintf(text, SHOWN_MAX, "%s", BUILT_IN_PLUGINS_TEXT);
}

static int find_plugin(const struct own *own, const struct sources *sources, char *name)
{
	int found = strcmp(name, OWN_NAME) == 0;

	for (size_t i = 0; found == 0 && i < sources->count; i++)
		found = each_plugin(own, sources->paths[i], is_plugin_of_name, name);
	return found;
}

int plugin_directory_check(const char *plugins, const struct images *images, enum hidden hidden)
{
	struct dump_plugins needed;
	struct sources sources;
	struct own own;
	int code = dump_plugins_read(&needed, images);

	if (code == 0 && needed.count > 0)
		code = find_own(&own);
	if (code == 0 && needed.count > 0)
		code = find_sources(&sources, plugins);
	for (size_t i = 0; code == 0 && i < needed.count; i++) {
		char places[SHOWN_MAX];
		struct shown shown;

		/* Directories that cannot be listed are left to plugin_directory_find(). */
		if (find_plugin(&own, &sources, needed.names[i]) != 0)
			continue;
		show_raw(&shown, needed.names[i]);
		describe_sources(places, plugins);
		(hidden == HIDDEN_IS_PROBLEM ? problem : warning)(
			"inventory.img: the dump needs CRIU's plugin %s: it is not in %s; give the directory that holds %s.so to --plugins",
			shown.text, places, shown.text);
	}
	dump_plugins_free(&needed);
	return code;
}
