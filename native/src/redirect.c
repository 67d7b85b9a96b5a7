#include "redirect.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)
#define CALL_SLOT R_X86_64_JUMP_SLOT
#define ADDRESS_SLOT R_X86_64_GLOB_DAT
#elif defined(__aarch64__)
#define CALL_SLOT R_AARCH64_JUMP_SLOT
#define ADDRESS_SLOT R_AARCH64_GLOB_DAT
#endif

/* Of three functions, as many as a program has of each: one where it calls through the PLT, one where it takes the address. */
#define SLOTS_MAX 12

/* A word of the main program that holds the address of the function. */
struct slot {
	void **at;
	void *before;
	bool protected;
};

static struct slot slots[SLOTS_MAX];
static size_t slot_count;

#ifdef CALL_SLOT

/* The dynamic section, as far as it is needed. */
struct tables {
	uintptr_t base;
	uintptr_t relro_start, relro_end; /* read only since the program started */
	const ElfW(Sym) *symbols;
	const char *names;
	uintptr_t calls, others;
	size_t calls_size, others_size;
};

struct search {
	const char *symbol;
	void *to;
};

/* Some loaders write addresses into the section, others leave offsets there. */
static uintptr_t address_of(uintptr_t base, uintptr_t value)
{
	return value < base ? base + value : value;
}

static void read_dynamic(struct tables *tables, const ElfW(Dyn) *entry)
{
	for (; entry->d_tag != DT_NULL; entry++) {
		uintptr_t address = address_of(tables->base, entry->d_un.d_ptr);

		switch (entry->d_tag) {
		case DT_SYMTAB:
			tables->symbols = (const ElfW(Sym) *)address;
			break;
		case DT_STRTAB:
			tables->names = (const char *)address;
			break;
		case DT_JMPREL:
			tables->calls = address;
			break;
		case DT_PLTRELSZ:
			tables->calls_size = entry->d_un.d_val;
			break;
		case DT_RELA:
			tables->others = address;
			break;
		case DT_RELASZ:
			tables->others_size = entry->d_un.d_val;
			break;
		default:
			break;
		}
	}
}

static bool set_protected(const struct slot *slot, int protection)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	return !slot->protected || mprotect((void *)((uintptr_t)slot->at & ~(page - 1)), page, protection) == 0;
}

static bool write_slot(const struct slot *slot, void *value)
{
	if (!set_protected(slot, PROT_READ | PROT_WRITE))
		return false;
	*slot->at = value;
	/* If this fails, the page stays writable, and does its work. */
	(void)set_protected(slot, PROT_READ);
	return true;
}

/* Both machines have entries with addends alone. */
static void search_table(const struct tables *tables, uintptr_t at, size_t size, const struct search *search)
{
	const ElfW(Rela) *entries = (const ElfW(Rela) *)at;

	for (size_t i = 0; i < size / sizeof(*entries); i++) {
		unsigned long type = ELF64_R_TYPE(entries[i].r_info);
		const ElfW(Sym) *symbol = &tables->symbols[ELF64_R_SYM(entries[i].r_info)];
		uintptr_t address = tables->base + entries[i].r_offset;
		struct slot slot = {.at = (void **)address, .protected = address >= tables->relro_start && address < tables->relro_end};

		if ((type != CALL_SLOT && type != ADDRESS_SLOT) || slot_count == SLOTS_MAX ||
		    strcmp(tables->names + symbol->st_name, search->symbol) != 0)
			continue;
		slot.before = *slot.at;
		if (write_slot(&slot, search->to))
			slots[slot_count++] = slot;
	}
}

/* The program itself is the first of all. */
static int look_at_program(struct dl_phdr_info *info, size_t size, void *data)
{
	struct tables tables = {.base = info->dlpi_addr};
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const ElfW(Dyn) *dynamic = NULL;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + header->p_vaddr;

		if (header->p_type == PT_DYNAMIC)
			dynamic = (const ElfW(Dyn) *)start;
		if (header->p_type == PT_GNU_RELRO) {
			tables.relro_start = start & ~(page - 1);
			tables.relro_end = (start + header->p_memsz) & ~(page - 1);
		}
	}
	if (dynamic)
		read_dynamic(&tables, dynamic);
	if (!tables.symbols || !tables.names)
		return 1;
	search_table(&tables, tables.calls, tables.calls_size, data);
	search_table(&tables, tables.others, tables.others_size, data);
	return 1;
}

bool redirect_start(const char *symbol, void (*to)(void))
{
	struct search search = {.symbol = symbol, .to = (void *)to};
	size_t before = slot_count;

	dl_iterate_phdr(look_at_program, &search);
	return slot_count > before;
}

void redirect_end(void)
{
	while (slot_count > 0) {
		slot_count--;
		/* Nobody calls it any more, and it worked before. */
		(void)write_slot(&slots[slot_count], slots[slot_count].before);
	}
}

#else

bool redirect_start(const char *symbol, void (*to)(void))
{
	(void)symbol;
	(void)to;
	return false;
}

void redirect_end(void)
{
}

#endif
