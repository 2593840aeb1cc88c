// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_pcap.h"
#include "policy_text.h"

#define MICROSECONDS 0xa1b2c3d4u
#define NANOSECONDS 0xa1b23c4du

/* A capture while it is written. */
struct capture {
	FILE *file;
	bool swapped;
};

static void put(const struct capture *capture, uint32_t value)
{
	if (capture->swapped)
		value = __builtin_bswap32(value);
	ck_assert_uint_eq(fwrite(&value, sizeof(value), 1, capture->file), 1);
}

static struct capture begin(uint32_t magic, uint32_t link, bool swapped)
{
	struct capture capture = { tmpfile(), swapped };
	const uint32_t header[] = { magic, 0x00040002, 0, 0, 262144, link };

	ck_assert_ptr_nonnull(capture.file);
	for (size_t i = 0; i < ARRAY_SIZE(header); i++)
		put(&capture, header[i]);
	return capture;
}

/* Bytes that count from @first on, of a packet that had @wire. */
static void add(const struct capture *capture, unsigned char first, uint32_t bytes, uint32_t wire)
{
	put(capture, 1);
	put(capture, 2);
	put(capture, bytes);
	put(capture, wire);
	for (uint32_t i = 0; i < bytes; i++)
		ck_assert_int_ne(fputc((unsigned char)(first + i), capture->file), EOF);
}

static void read_all(const struct capture *capture, struct pcap_reader *ret)
{
	const char *why = NULL;

	rewind(capture->file);
	ck_assert_msg(!pcap_begin(capture->file, ret, &why), "%s", why);
}

static const struct {
	uint32_t magic;
	uint32_t link;
	bool swapped;
	size_t header; /* bytes in front of IP */
	size_t type; /* where in them the EtherType is */
} layers[] = {
	{ MICROSECONDS, 1, false, 14, 12 },	     { NANOSECONDS, 1, true, 14, 12 },
	{ MICROSECONDS, 0x24000001, false, 14, 12 }, { MICROSECONDS, 113, true, 16, 14 },
	{ NANOSECONDS, 276, false, 20, 0 },
};

START_TEST(a_frame_has_an_ethernet_header)
{
	struct capture capture = begin(layers[_i].magic, layers[_i].link, layers[_i].swapped);
	CLEANUP(cleanup_file) FILE *file = capture.file;
	struct pcap_reader reader;
	struct pcap_frame frame;

	add(&capture, 0, 100, 100);
	read_all(&capture, &reader);
	ck_assert_int_eq(pcap_next(&reader, &frame), 0);
	ck_assert_int_eq(frame.state, PCAP_FRAME);
	ck_assert_uint_eq(frame.bytes, 114 - layers[_i].header);
	ck_assert_uint_eq(frame.data[12], layers[_i].type);
	ck_assert_uint_eq(frame.data[13], layers[_i].type + 1);
	ck_assert_uint_eq(frame.data[14], layers[_i].header);
	ck_assert_uint_eq(frame.data[frame.bytes - 1], 99);
	ck_assert_int_eq(pcap_next(&reader, &frame), 0);
	ck_assert_int_eq(frame.state, PCAP_END);
}
END_TEST

START_TEST(bare_ip_tells_its_version)
{
	static const uint32_t links[] = { 101, 12, 228, 229 };

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		struct capture capture = begin(MICROSECONDS, links[i], false);
		CLEANUP(cleanup_file) FILE *file = capture.file;
		struct pcap_reader reader;
		struct pcap_frame frame;

		add(&capture, 0x45, 60, 60);
		add(&capture, 0x60, 60, 60);
		read_all(&capture, &reader);
		ck_assert_int_eq(pcap_next(&reader, &frame), 0);
		ck_assert_mem_eq(frame.data + 12, "\x08\x00\x45\x46", 4);
		ck_assert_uint_eq(frame.bytes, 74);
		ck_assert_int_eq(pcap_next(&reader, &frame), 0);
		ck_assert_mem_eq(frame.data + 12, "\x86\xdd\x60\x61", 4);
	}
}
END_TEST

START_TEST(what_a_capture_leaves_out_is_zero)
{
	struct capture capture = begin(MICROSECONDS, 1, false);
	CLEANUP(cleanup_file) FILE *file = capture.file;
	struct pcap_reader reader;
	struct pcap_frame frame;

	add(&capture, 1, 200, 200);
	add(&capture, 1, 128, 1514);
	add(&capture, 1, 127, 1514); /* not enough to know the headers */
	add(&capture, 1, 14, 14); /* nothing but the link layer */
	add(&capture, 1, 4000, 4000);
	add(&capture, 1, 3456, 3457);
	add(&capture, 1, 3456, 3456);
	read_all(&capture, &reader);
	ck_assert_int_eq(pcap_next(&reader, &frame), 0);
	ck_assert_int_eq(pcap_next(&reader, &frame), 0);
	ck_assert_int_eq(frame.state, PCAP_FRAME);
	ck_assert_uint_eq(frame.bytes, 1514);
	ck_assert_uint_eq(frame.data[127], 128);
	for (size_t i = 128; i < 1514; i++)
		ck_assert_uint_eq(frame.data[i], 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(pcap_next(&reader, &frame), 0);
		ck_assert_int_eq(frame.state, PCAP_CUT);
	}
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(pcap_next(&reader, &frame), 0);
		ck_assert_int_eq(frame.state, PCAP_LONG);
	}
	ck_assert_int_eq(pcap_next(&reader, &frame), 0);
	ck_assert_int_eq(frame.state, PCAP_FRAME);
	ck_assert_uint_eq(frame.bytes, 3456);
	ck_assert_int_eq(pcap_next(&reader, &frame), 0);
	ck_assert_int_eq(frame.state, PCAP_END);
}
END_TEST

START_TEST(a_torn_capture_is_one)
{
	for (long cut = 1; cut < 16 + 60; cut++) {
		struct capture capture = begin(MICROSECONDS, 1, false);
		CLEANUP(cleanup_file) FILE *file = capture.file;
		struct pcap_reader reader;
		struct pcap_frame frame;

		add(&capture, 0, 60, 60);
		fflush(file);
		ck_assert_int_eq(ftruncate(fileno(file), 24 + cut), 0);
		read_all(&capture, &reader);
		ck_assert_int_eq(pcap_next(&reader, &frame), -EBADMSG);
	}
}
END_TEST

START_TEST(a_record_is_bounded)
{
	struct capture capture = begin(MICROSECONDS, 1, false);
	CLEANUP(cleanup_file) FILE *file = capture.file;
	struct pcap_reader reader;
	struct pcap_frame frame;

	add(&capture, 0, 262144, 262144);
	add(&capture, 0, 262145, 262145);
	read_all(&capture, &reader);
	ck_assert_int_eq(pcap_next(&reader, &frame), 0);
	ck_assert_int_eq(frame.state, PCAP_LONG);
	ck_assert_int_eq(pcap_next(&reader, &frame), -EBADMSG);
}
END_TEST

START_TEST(what_is_no_capture_is_refused)
{
	static const struct {
		uint32_t magic, link;
		const char *why;
	} files[] = {
		{ 0x0a0d0d0a, 1, "pcapng" },
		{ 0x12345678, 1, "no capture" },
		{ MICROSECONDS, 147, "link layer" },
	};
	struct pcap_reader reader;
	const char *why;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct capture capture = begin(files[i].magic, files[i].link, false);
		CLEANUP(cleanup_file) FILE *file = capture.file;

		rewind(file);
		ck_assert_int_eq(pcap_begin(file, &reader, &why), -EINVAL);
		ck_assert_ptr_nonnull(strstr(why, files[i].why));
		ck_assert_int_eq(ftruncate(fileno(file), 23), 0);
		rewind(file);
		ck_assert_int_eq(pcap_begin(file, &reader, &why), -EINVAL);
		ck_assert_int_eq(ftruncate(fileno(file), 3), 0);
		rewind(file);
		ck_assert_int_eq(pcap_begin(file, &reader, &why), -EINVAL);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("client_pcap");

	tcase_add_loop_test(tcase, a_frame_has_an_ethernet_header, 0, ARRAY_SIZE(layers));
	tcase_add_test(tcase, bare_ip_tells_its_version);
	tcase_add_test(tcase, what_a_capture_leaves_out_is_zero);
	tcase_add_test(tcase, a_torn_capture_is_one);
	tcase_add_test(tcase, a_record_is_bounded);
	tcase_add_test(tcase, what_is_no_capture_is_refused);
	return run_case("client_pcap", tcase);
}
