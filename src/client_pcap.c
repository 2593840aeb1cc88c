// SPDX-License-Identifier: Apache-2.0
#include "client_pcap.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"

#define MAGIC_MICROSECONDS 0xa1b2c3d4u
#define MAGIC_NANOSECONDS 0xa1b23c4du
#define MAGIC_NEXT_GENERATION 0x0a0d0d0au
#define LINK_MASK 0xffffu /* above it: whether there is a checksum behind frames */
#define RECORD_MOST 262144u /* what tcpdump itself takes for too much */
#define HEADERS_ENOUGH 128 /* bytes of a frame in which its headers are found */
#define ETHERNET_ADDRESSES 12

/* What is in front of the IP header, and where in that the EtherType is. */
static const struct link_layer {
	uint32_t link; /* LINKTYPE_ */
	size_t bytes;
	int type_at; /* -1: there is none, the IP version tells */
} link_layers[] = {
	{ 1, 14, 12 }, /* Ethernet */
	{ 101, 0, -1 }, /* bare IP */
	{ 12, 0, -1 }, /* the same, as some systems number it */
	{ 228, 0, -1 }, /* bare IPv4 */
	{ 229, 0, -1 }, /* bare IPv6 */
	{ 113, 16, 14 }, /* of all interfaces of Linux */
	{ 276, 20, 0 }, /* the same, version 2 */
};

static const struct link_layer *layer_find(uint32_t link)
{
	for (size_t i = 0; i < ARRAY_SIZE(link_layers); i++)
		if (link_layers[i].link == link)
			return &link_layers[i];
	return NULL;
}

static uint32_t number(const struct pcap_reader *reader, uint32_t raw)
{
	return reader->swapped ? __builtin_bswap32(raw) : raw;
}

int pcap_begin(FILE *file, struct pcap_reader *ret, const char **ret_why)
{
	uint32_t header[6]; /* magic, version, two of no use, longest packet, link layer */
	size_t read = fread(header, 1, sizeof(header), file);
	uint32_t magic = read < sizeof(*header) ? 0 : header[0];
	uint32_t swapped = __builtin_bswap32(magic);

	*ret = (struct pcap_reader){ .file = file };
	*ret_why = "it is no capture in the format pcap";
	if (magic == MAGIC_NEXT_GENERATION)
		*ret_why = "it is in the format pcapng: tcpdump -r FILE -w NEW makes it pcap";
	ret->swapped = swapped == MAGIC_MICROSECONDS || swapped == MAGIC_NANOSECONDS;
	if (read < sizeof(header) ||
	    (!ret->swapped && magic != MAGIC_MICROSECONDS && magic != MAGIC_NANOSECONDS))
		return -EINVAL;
	ret->link = number(ret, header[5]) & LINK_MASK;
	*ret_why = "its link layer is neither Ethernet, nor bare IP, nor that of tcpdump -i any";
	return layer_find(ret->link) ? 0 : -EINVAL;
}

/* Reads @bytes, of which @room go to @to. */
static int read_some(FILE *file, unsigned char *to, size_t room, size_t bytes)
{
	unsigned char rest[4096];

	if (room > bytes)
		room = bytes;
	if (fread(to, 1, room, file) != room)
		return -EBADMSG;
	for (bytes -= room; bytes; bytes -= room) {
		room = bytes < sizeof(rest) ? bytes : sizeof(rest);
		if (fread(rest, 1, room, file) != room)
			return -EBADMSG;
	}
	return 0;
}

/* Puts an Ethernet header in place of what was in front of the IP header. */
static void make_ethernet(struct pcap_frame *frame, const unsigned char *raw, size_t bytes,
			  const struct link_layer *layer)
{
	unsigned char *type = frame->data + ETHERNET_ADDRESSES;

	memset(frame->data, 0, sizeof(frame->data));
	if (layer->type_at == ETHERNET_ADDRESSES) {
		memcpy(frame->data, raw, bytes);
		return;
	}
	if (layer->type_at >= 0)
		memcpy(type, raw + layer->type_at, 2);
	else
		memcpy(type, raw[0] >> 4 == 6 ? "\x86\xdd" : "\x08\x00", 2);
	memcpy(type + 2, raw + layer->bytes, bytes - layer->bytes);
}

int pcap_next(struct pcap_reader *reader, struct pcap_frame *ret)
{
	const struct link_layer *layer = layer_find(reader->link);
	unsigned char raw[PROBE_FRAME_MAX];
	uint32_t header[4]; /* two of the time, bytes here, bytes there were */
	size_t read = fread(header, 1, sizeof(header), reader->file), bytes, wire;

	ret->state = PCAP_END;
	if (!read && feof(reader->file))
		return 0;
	if (read < sizeof(header))
		return -EBADMSG;
	bytes = number(reader, header[2]);
	wire = number(reader, header[3]);
	if (bytes > RECORD_MOST || read_some(reader->file, raw, sizeof(raw), bytes))
		return -EBADMSG;
	if (wire < bytes)
		wire = bytes;
	ret->bytes = wire - layer->bytes + PROBE_LINK_BYTES;
	if (bytes <= layer->bytes || (bytes < wire && bytes < HEADERS_ENOUGH))
		ret->state = PCAP_CUT;
	else if (ret->bytes > PROBE_FRAME_MAX || bytes > sizeof(raw))
		ret->state = PCAP_LONG;
	else
		ret->state = PCAP_FRAME;
	if (ret->state == PCAP_FRAME)
		make_ethernet(ret, raw, bytes, layer);
	return 0;
}
