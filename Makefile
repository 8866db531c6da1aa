# VIOLET in C. `make` builds build/violet; `make check` runs the quick tests, `make check-all`
# all of them; `make install PREFIX=... DESTDIR=...`; `make ops-speed`, `make clean`.
#
# Knobs: CONFIG=release|double (double: the library in float64 on the reference kernels, for
# gradient checks), SAN=address|undefined|thread (comma separated), V=1 (show whole commands),
# WERROR=1, BUILD=DIR. Sources are found by wildcard: a new file needs no line here.

CONFIG  ?= release
Q       := $(if $(V),,@)
SAN     ?=
comma   := ,
BUILD   ?= build/$(CONFIG)$(if $(SAN),-$(subst $(comma),-,$(SAN)))
PREFIX  ?= /usr/local
VERSION := 0.1.0

CC        ?= gcc
PKGS      := dnnl jansson libzip zlib libutf8proc libjpeg libavformat libavcodec libswscale libavutil
PKG_CONFIG ?= pkg-config
WARN      := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
OPT       ?= -O2 -g
BASE      := -std=c11 -D_GNU_SOURCE -fopenmp -fno-math-errno -MMD -MP -DVIOLET_VERSION='"$(VERSION)"'

ifneq ($(SAN),)
BASE      += -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
SANLINK   := -fsanitize=$(SAN)
endif
ifneq ($(WERROR),)
WARN      += -Werror
endif

# libdnnl has no .pc file in Debian 12, everything else does.
PKGS_PC   := $(filter-out dnnl,$(PKGS))
ifeq ($(filter clean help,$(MAKECMDGOALS)),)
ifneq ($(shell $(PKG_CONFIG) --exists $(PKGS_PC) && echo ok),ok)
$(error missing libraries: $(shell $(PKG_CONFIG) --print-errors --exists $(PKGS_PC) 2>&1 | head -3); run script/bootstrap)
endif
endif
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS_PC) 2>/dev/null)
LIBS       := $(shell $(PKG_CONFIG) --libs $(PKGS_PC) 2>/dev/null) -ldnnl -lm -lpthread

CFLAGS    += $(OPT) $(BASE) $(WARN) $(PKG_CFLAGS)
LDFLAGS   += -fopenmp $(SANLINK)

# ---- the library -----------------------------------------------------------------------------
LIB_SRC   := $(sort $(shell find src -name '*.c' -not -path 'src/cuda/*'))
ifeq ($(CONFIG),double)
CFLAGS    += -DVL_REAL=double
LIB_SRC   := $(filter-out src/cpu/fast/%,$(LIB_SRC))
else
LIB_SRC   := $(filter-out src/cpu/nofast.c,$(LIB_SRC))
endif
LIB_OBJ   := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
LIB       := $(BUILD)/libviolet.a

# ---- programs: they see include/ only ----------------------------------------------------------
CLI_SRC   := $(wildcard cli/*.c)
CLI_OBJ   := $(CLI_SRC:%.c=$(BUILD)/obj/%.o)

# ---- tests: one program a file -------------------------------------------------------------------
# tests/*/test_X.c become programs; other .c files in the same folder are linked into each of them.
# tests/ops/test_gradient*.c need float64: the double configuration builds them and the golden tests.
TEST_SRC  := $(sort $(filter-out tests/ops/test_gradient%,$(wildcard tests/*/test_*.c)))
DOUBLE_SRC := $(sort $(wildcard tests/ops/test_gradient*.c tests/golden/test_*.c))
ifeq ($(CONFIG),double)
TEST_SRC  := $(DOUBLE_SRC)
endif
TEST_BIN  := $(TEST_SRC:%.c=$(BUILD)/%)
# Shell tests print the same lines; they find the program through BUILD.
TEST_SH   := $(sort $(wildcard tests/*/test_*.sh))

DOUBLE    := build/double$(if $(SAN),-$(subst $(comma),-,$(SAN)))
ifeq ($(CONFIG),release)
CHECK_BIN := $(DOUBLE_SRC:%.c=$(DOUBLE)/%)
endif

.PHONY: all lib check check-all check-double check-san tests clean help install uninstall ops-speed
.PHONY: bench-serve bench-pairs bench-media bench-dvae bench-load
all: $(BUILD)/violet
lib: $(LIB)
tests: $(TEST_BIN)

$(BUILD)/obj/src/%_avx2.o: CFLAGS += -mavx2 -mfma -mf16c
$(BUILD)/obj/src/%_avx512.o: CFLAGS += -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx2 -mfma -mf16c -mprefer-vector-width=512
$(BUILD)/obj/src/%.o: src/%.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC    $<")
	$(Q)$(CC) $(CFLAGS) -Iinclude -Isrc -c $< -o $@
# -MMD does not see what .incbin reads
$(BUILD)/obj/src/text/vocab_bert.o: data/bert-base-uncased-vocab.txt
$(BUILD)/obj/src/text/vocab_bert.o: CFLAGS += -DVL_VOCAB_FILE='"data/bert-base-uncased-vocab.txt"'
$(BUILD)/obj/cli/%.o: cli/%.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC    $<")
	$(Q)$(CC) $(CFLAGS) -Iinclude -c $< -o $@
$(BUILD)/obj/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC    $<")
	$(Q)$(CC) $(CFLAGS) -Iinclude -Isrc -Itests -c $< -o $@
$(BUILD)/obj/bench/%.o: bench/%.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC    $<")
	$(Q)$(CC) $(CFLAGS) -Iinclude -Isrc -Itests -c $< -o $@

$(LIB): $(LIB_OBJ)
	@rm -f $@
	@$(if $(V),,echo "  AR    $@")
	$(Q)ar rcs $@ $^

$(BUILD)/violet: $(CLI_OBJ) $(LIB)
	@$(if $(V),,echo "  LINK  $@")
	$(Q)$(CC) $(LDFLAGS) $(CLI_OBJ) $(LIB) $(LIBS) -o $@
	@if [ "$(BUILD)" = build/release ]; then ln -sf release/violet build/violet; fi

# speed.c, main.c and hash_model.c belong to programs that are not tests. The maker of videos serves more tests.
helpers = $(patsubst %.c,$(BUILD)/obj/%.o,\
          $(filter-out $(dir $(1))test_% %/speed.c %/main.c %/hash_model.c,$(wildcard $(dir $(1))*.c)) \
          $(if $(filter tests/extract/ tests/train/ tests/fault/ tests/use/,$(dir $(1))),tests/media/make_video.c))
.SECONDEXPANSION:
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $$(call helpers,tests/%) $(LIB)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LINK  $@")
	$(Q)$(CC) $(LDFLAGS) $(filter %.o,$^) $(LIB) -lcmocka $(LIBS) -o $@

# Videos made by tests are of use to several folders of tests.
$(filter $(BUILD)/tests/extract/%,$(TEST_BIN)): $(BUILD)/obj/tests/media/make_video.o

# These fail the n-th allocation: calls of the library's own objects pass through the test.
WRAPPED   := malloc calloc realloc aligned_alloc strdup mmap
$(BUILD)/tests/fault/%: LDFLAGS += $(WRAPPED:%=-Wl,--wrap=%)

# tests/golden as a program, see script/golden
$(BUILD)/golden: $(BUILD)/obj/tests/golden/main.o $$(call helpers,tests/golden/main) $(LIB)
	@$(if $(V),,echo "  LINK  $@")
	$(Q)$(CC) $(LDFLAGS) $(filter %.o,$^) $(LIB) $(LIBS) -o $@

# Writes models whose values follow from their names, see script/hash-model
$(BUILD)/hash-model: $(BUILD)/obj/tests/golden/hash_model.o $(BUILD)/obj/tests/golden/hash_init.o $(LIB)
	@$(if $(V),,echo "  LINK  $@")
	$(Q)$(CC) $(LDFLAGS) $(filter %.o,$^) $(LIB) $(LIBS) -o $@

# The programs that script/bench runs beside its peers.
bench-serve: $(BUILD)/bench/serve
bench-pairs: $(BUILD)/bench/pairs
bench-media: $(BUILD)/bench/media
bench-dvae: $(BUILD)/bench/dvae
bench-load: $(BUILD)/bench/load
$(BUILD)/bench/serve: $(BUILD)/obj/bench/work.o
$(BUILD)/bench/serve $(BUILD)/bench/pairs: $(BUILD)/obj/bench/made.o $(BUILD)/obj/tests/golden/hash_init.o
$(BUILD)/bench/media: $(BUILD)/obj/bench/clip.o
$(BUILD)/bench/%: $(BUILD)/obj/bench/%.o $(BUILD)/obj/bench/lines.o $(LIB)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LINK  $@")
	$(Q)$(CC) $(LDFLAGS) $(filter %.o,$^) $(LIB) $(LIBS) -o $@

# check: the quick tests. check-all: every one, and all programs once more under sanitizers.
check: $(TEST_BIN) $(BUILD)/violet $(BUILD)/hash-model $(if $(CHECK_BIN),check-double)
	@QUICK=1 BUILD=$(BUILD) tests/run $(CHECK_BIN) $(TEST_BIN) $(TEST_SH)

check-all: $(TEST_BIN) $(BUILD)/violet $(BUILD)/hash-model check-double check-san
	@BUILD=$(BUILD) tests/run $(CHECK_BIN) $(TEST_BIN) $(TEST_SH) $(TEST_SRC:%.c=$(SAN_BUILD)/%)

check-double:
	+@$(MAKE) -s --no-print-directory CONFIG=double BUILD=$(DOUBLE) tests

SAN_BUILD := build/release-address-undefined
check-san:
	+@$(MAKE) -s --no-print-directory SAN=address,undefined BUILD=$(SAN_BUILD) tests

# Not a test: how fast each op is here, and what share of the machine's peak that is.
ops-speed: $(BUILD)/tests/ops/speed
	$<

# ---- install: DESTDIR=, PREFIX= ------------------------------------------------------------------
INSTALL   ?= install
INSTALLED := bin/violet include/violet.h lib/libviolet.a lib/pkgconfig/violet.pc \
             share/bash-completion/completions/violet
ROOTED     = $(DESTDIR)$(PREFIX)
MAN1       = $(ROOTED)/share/man/man1

# The library is static, so whoever links it links all of its libraries: they stand in Libs, not in
# Libs.private (--static would ask for those libraries' own private ones, too).
define PC_FILE
prefix=$(PREFIX)
libdir=$${prefix}/lib
includedir=$${prefix}/include

Name: violet
Description: video-language transformer
Version: $(VERSION)
Cflags: -I$${includedir}
Libs: -L$${libdir} -lviolet $(LIBS) -fopenmp
endef
export PC_FILE

install: $(BUILD)/violet $(LIB)
	$(INSTALL) -d $(addprefix $(ROOTED)/,$(sort $(dir $(INSTALLED))))
	$(INSTALL) -m 755 $(BUILD)/violet $(ROOTED)/bin/violet
	$(INSTALL) -m 644 include/violet.h $(ROOTED)/include/violet.h
	$(INSTALL) -m 644 $(LIB) $(ROOTED)/lib/libviolet.a
	printf '%s\n' "$$PC_FILE" >$(ROOTED)/lib/pkgconfig/violet.pc
	$(BUILD)/violet completion bash >$(ROOTED)/share/bash-completion/completions/violet
	$(INSTALL) -d $(MAN1)
	for page in $$($(BUILD)/violet man --list); do \
	    name=$${page#violet}; \
	    $(BUILD)/violet man $${name#-} >$(MAN1)/$$page.1 || exit 1; done
# as Debian has them, where there is gzip
	if command -v gzip >/dev/null; then gzip -9nf $(MAN1)/violet.1 $(MAN1)/violet-*.1; fi

uninstall:
	rm -f $(addprefix $(ROOTED)/,$(INSTALLED)) $(addprefix $(MAN1)/,violet.1* violet-*.1*)

clean:
	rm -rf build

help:
	@sed -n '1,8s/^# \{0,1\}//p' Makefile

.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
