#include "field-numbers.h"

#include <stddef.h>
#include <stdint.h>

/* The messages of one field: their pointers, which lie one after the other, and how many there are. */
struct inner {
	ProtobufCMessage *const *list;
	size_t count;
};

static struct inner messages_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const char *base = (const char *)message;
	const void *value = base + field->offset;
	const void *quantifier = base + field->quantifier_offset;

	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return (struct inner){NULL, 0};
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return (struct inner){*(ProtobufCMessage *const *const *)value, *(const size_t *)quantifier};
	if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) && *(const uint32_t *)quantifier != field->id)
		return (struct inner){NULL, 0};
	return (struct inner){value, *(ProtobufCMessage *const *)value ? 1 : 0};
}

/* As deep as the schema is, which has no message inside itself. */
bool field_numbers_are_valid(const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;

	for (unsigned i = 0; i < message->n_unknown_fields; i++)
		if (message->unknown_fields[i].tag == 0)
			return false;
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		struct inner inner = messages_of(message, &descriptor->fields[i]);

		for (size_t k = 0; k < inner.count; k++)
			if (!field_numbers_are_valid(inner.list[k]))
				return false;
	}
	return true;
}
