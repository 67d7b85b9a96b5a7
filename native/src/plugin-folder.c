#include "plugin-folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "escape.h"
#include "exit-codes.h"
#include "message.h"

#define PLUGIN_NAME "fdgraft.so"
#define LIBS_ENV "CRIU_LIBS_DIR"

/* Where CRIU looks when nothing is set: PREFIX/lib/criu of its build. */
static const char *const built_in[] = {"/usr/lib/criu", "/usr/local/lib/criu"};

/* As CRIU judges: the last three characters. */
static bool is_plugin_name(const char *name)
{
	size_t length = strlen(name);

	return length >= 3 && strcmp(name + length - 3, ".so") == 0;
}

/* Called for each plugin of a folder but ours; anything but 0 ends it and is returned. */
typedef int plugin_visitor(void *context, const char *folder, const char *name);

static int each_plugin(const char *path, plugin_visitor *visit, void *context)
{
	DIR *stream = opendir(path);
	struct dirent *entry;
	int result = 0;

	if (!stream)
		return -1;
	while (result == 0 && (entry = readdir(stream)) != NULL) {
		struct stat status;

		if (!is_plugin_name(entry->d_name) || strcmp(entry->d_name, PLUGIN_NAME) == 0)
			continue;
		if (fstatat(dirfd(stream), entry->d_name, &status, 0) || !S_ISREG(status.st_mode))
			continue;
		result = visit(context, path, entry->d_name);
	}
	closedir(stream);
	return result;
}

static int count_one(void *context, const char *folder, const char *name)
{
	(void)folder;
	(void)name;
	++*(size_t *)context;
	return 0;
}

/* For our own folder, where CRIU would load whatever ends in .so, regular file or not. */
static bool holds_only_ours(const char *path)
{
	DIR *stream = opendir(path);
	struct dirent *entry;
	bool only = stream != NULL;

	while (only && (entry = readdir(stream)) != NULL)
		only = !is_plugin_name(entry->d_name) || strcmp(entry->d_name, PLUGIN_NAME) == 0;
	if (stream)
		closedir(stream);
	return only;
}

static int find_own(char own[PATH_MAX])
{
	char plugin[PATH_MAX + sizeof("/" PLUGIN_NAME)];
	struct shown shown;
	char *slash;
	ssize_t length = readlink("/proc/self/exe", own, PATH_MAX - 1);

	if (length < 0) {
		message("cannot read the link /proc/self/exe: %s; /proc has to be mounted", strerror(errno));
		return EXIT_SYSTEM;
	}
	own[length] = '\0';
	slash = strrchr(own, '/');
	if (!slash) {
		message("cannot tell where fdgraft-exec is: /proc/self/exe is %s", show_raw(&shown, own));
		return EXIT_SYSTEM;
	}
	*slash = '\0';
	snprintf(plugin, sizeof(plugin), "%s/" PLUGIN_NAME, own);
	if (access(plugin, R_OK)) {
		message("cannot read %s: %s; fdgraft-exec and " PLUGIN_NAME " have to stand in one folder", show_raw(&shown, plugin),
			strerror(errno));
		return EXIT_SYSTEM;
	}
	return 0;
}

static int add_link(void *context, const char *folder, const char *name)
{
	const char *into = context;
	char target[PATH_MAX + NAME_MAX + 2];
	char link[PATH_MAX + NAME_MAX + 2];
	struct shown shown;

	snprintf(target, sizeof(target), "%s/%s", folder, name);
	snprintf(link, sizeof(link), "%s/%s", into, name);
	/* The first folder that has a name wins. */
	if (symlink(target, link) == 0 || errno == EEXIST)
		return 0;
	message("cannot make the link %s: %s", show_raw(&shown, link), strerror(errno));
	return EXIT_SYSTEM;
}

struct sources {
	char paths[2][PATH_MAX];
	size_t count;
};

/* The folders to bring along, as absolute paths without links. */
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
			wrong = strerror(errno);
		else if (!S_ISDIR(status.st_mode))
			wrong = "not a folder";
		if (wrong) {
			message("%s %s: %s; give a folder with CRIU plugins", plugins ? "--plugins" : LIBS_ENV, show_raw(&shown, given),
				wrong);
			return EXIT_UNUSABLE;
		}
		sources->count = 1;
		return 0;
	}
	for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++)
		if (realpath(built_in[i], sources->paths[sources->count]))
			sources->count++;
	/* On systems where one is a link to the other. */
	if (sources->count == 2 && strcmp(sources->paths[0], sources->paths[1]) == 0)
		sources->count = 1;
	return 0;
}

static int make_folder(struct plugin_folder *folder, const char *own, const struct sources *sources, struct start_dir *dir)
{
	struct shown shown;
	int result;

	if (strlen(dir->path) + sizeof("/" PLUGINS_NAME) > sizeof(folder->path)) {
		message("%s: the path is too long for a directory of plugins", show_raw(&shown, dir->path));
		return EXIT_SYSTEM;
	}
	snprintf(folder->path, sizeof(folder->path), "%.*s/" PLUGINS_NAME, (int)(sizeof(folder->path) - sizeof("/" PLUGINS_NAME)),
		 dir->path);
	if (mkdirat(dir->fd, PLUGINS_NAME, 0700)) {
		message("cannot make the directory %s: %s", show_raw(&shown, folder->path), strerror(errno));
		return EXIT_SYSTEM;
	}
	dir->has_plugins = true;
	result = add_link(folder->path, own, PLUGIN_NAME);
	for (size_t i = 0; result == 0 && i < sources->count; i++) {
		result = each_plugin(sources->paths[i], add_link, folder->path);
		if (result < 0) {
			message("cannot list the plugins in %s: %s", show_raw(&shown, sources->paths[i]), strerror(errno));
			result = EXIT_SYSTEM;
		}
	}
	return result;
}

int plugin_folder_find(struct plugin_folder *folder, const char *plugins, struct start_dir *dir)
{
	struct sources sources;
	char own[PATH_MAX];
	struct shown shown;
	size_t others = 0;
	int result;

	result = find_own(own);
	if (result)
		return result;
	result = find_sources(&sources, plugins);
	if (result)
		return result;
	for (size_t i = 0; i < sources.count; i++)
		if (each_plugin(sources.paths[i], count_one, &others) < 0) {
			message("cannot list the plugins in %s: %s", show_raw(&shown, sources.paths[i]), strerror(errno));
			return EXIT_SYSTEM;
		}
	if (!dir)
		return 0;
	if (others > 0 || !holds_only_ours(own))
		return make_folder(folder, own, &sources, dir);
	memcpy(folder->path, own, sizeof(folder->path));
	return 0;
}
