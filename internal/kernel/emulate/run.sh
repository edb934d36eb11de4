#!/bin/sh
# Runs the assembly for AVX-512 on a processor emulated by Bochs, where there is none that has it: every function, on the calls that
# TestEmulated records, compared with its twin in Go, guards around its memory included. Neither an operating system nor a boot
# loader is needed. Wants Bochs 2.8 or later, configured with
#
#	--enable-x86-64 --enable-avx --enable-evex --with-nogui
#
# as distributions' Bochs mostly has no AVX-512. Use: internal/kernel/emulate/run.sh BOCHS [MODEL...], with models of processors as
# Bochs names them.
set -eu
bochs=$1
shift
[ $# -gt 0 ] || set -- corei7_icelake_u
here=$(cd "$(dirname "$0")" && pwd)
work=${KEEP:-$(mktemp -d)}
[ -n "${KEEP:-}" ] || trap 'rm -rf "$work"' EXIT
cd "$here/.."
go test -c -o "$work/kernel.test" .
THREATDETECT_EMULATE=$work "$work/kernel.test" -test.run 'TestEmulated$' >"$work/recorded" || { cat "$work/recorded"; exit 1; }
cd "$work"
size=$(stat -c %s memory)
cylinders=$((size / 516096 + 2))
truncate -s $((cylinders * 516096)) memory
as --64 --defsym parts=$((size / 131072 + 1)) -o boot.o "$here/boot.S"
objcopy -O binary -j .text boot.o boot.bin
head -c 32768 /dev/zero >vga.bin # nothing runs it
calls=$(sed -n 's/^calls //p' recorded)
for model; do
	cat >bochsrc <<-END
		config_interface: textconfig
		display_library: nogui
		cpu: model=$model, count=1, ips=100000000
		memory: guest=1024, host=1024
		romimage: file=boot.bin
		vgaromimage: file=vga.bin
		ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
		ata0-master: type=disk, path=memory, mode=flat, cylinders=$cylinders, heads=16, spt=63
		port_e9_hack: enabled=1
		clock: sync=none
		log: bochs.log
		panic: action=fatal
		error: action=report
		info: action=report
		debug: action=ignore
	END
	"$bochs" -q -f bochsrc </dev/null >out 2>&1 || true
	last=$(grep -a '^[.X]*$' out | tail -n 1)
	good=$(printf %s "$last" | tr -cd . | wc -c)
	bad=$(printf %s "$last" | tr -cd X | wc -c)
	echo "$model: $good of $calls calls as they should be, $bad not"
	[ "$good" = "$calls" ] || { tail -n 5 bochs.log out; exit 1; }
done
