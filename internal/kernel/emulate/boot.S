# A machine's firmware and all the system there is: it makes the calls that TestEmulated of package kernel has written to memory, and says
# of each whether it left the memory that it should. From reset to 64 bits, then call after call.
#
# The program begins at 4 MB and the calls at 16 MB, with their number; each is the address of a function, six arguments, the number of pieces of memory, and for
# each of those: its place, its length, and where its content before and after the call is.

	.set program, 0x400000
	.set calls, 0x1000000
	.set stack, 0x80000
	.set base, 0xF0000

	.code16
start:
	cli
	cld
	lgdtl %cs:descriptors - start
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $8, $(base + protected - start)

	.code32
protected:
	movw $16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	# The memory from 4 MB on is on the first disk: so many parts of 256 sectors. Port 0x1F7 tells when a sector can be read.
	movl $program, %edi
	xorl %ebx, %ebx
part:
	movw $0x1F2, %dx
	xorl %eax, %eax
	outb %al, %dx
	movl %ebx, %eax
	.rept 3
	incl %edx
	outb %al, %dx
	shrl $8, %eax
	.endr
	orb $0xE0, %al
	incl %edx
	outb %al, %dx
	incl %edx
	movb $0x20, %al
	outb %al, %dx
	movl $256, %ebp
sector:
	movw $0x1F7, %dx
wait:
	inb %dx, %al
	andb $0x88, %al
	cmpb $8, %al
	jne wait
	movw $0x1F0, %dx
	movl $256, %ecx
	rep insw
	decl %ebp
	jnz sector
	addl $256, %ebx
	cmpl $256 * parts, %ebx
	jb part
	# Every page of the first GB is where it is, in pages of 2 MB.
	movl $0x1000, %edi
	movl $0x3000 / 4, %ecx
	xorl %eax, %eax
	rep stosl
	movl $0x2003, 0x1000
	movl $0x3003, 0x2000
	movl $0x3000, %edi
	movl $0x83, %eax
	movl $512, %ecx
page:
	movl %eax, (%edi)
	addl $0x200000, %eax
	addl $8, %edi
	loop page
	movl $0x1000, %eax
	movl %eax, %cr3
	movl %cr4, %eax
	orl $0x40620, %eax # PAE, SSE and its exceptions, XSAVE
	movl %eax, %cr4
	movl $0xC0000080, %ecx
	rdmsr
	orl $0x100, %eax # long mode
	wrmsr
	movl %cr0, %eax
	andl $~4, %eax
	orl $0x80000022, %eax
	movl %eax, %cr0
	ljmpl $24, $(base + long - start)

	.code64
long:
	movl $stack, %esp
	xorl %ecx, %ecx
	xorl %edx, %edx
	movl $0xE7, %eax # x87, SSE, AVX, and the three of AVX-512
	xsetbv
	movq calls, %rbx
	movl $calls + 8, %esi
call:
	testq %rbx, %rbx
	jz finish
	movq (%rsi), %r8
	movq 56(%rsi), %r9
	leaq 64(%rsi), %r10
	movq %r9, %r11
	movq %r10, %rdx
fill:
	testq %r11, %r11
	jz filled
	pushq %rsi
	movq (%rdx), %rdi
	movq 8(%rdx), %rcx
	movq 16(%rdx), %rsi
	rep movsb
	popq %rsi
	addq $32, %rdx
	decq %r11
	jmp fill
filled:
	pushq %rdx
	pushq %rbx
	pushq %r9
	pushq %r10
	.irp argument, 48, 40, 32, 24, 16, 8
	pushq \argument(%rsi)
	.endr
	call *%r8
	addq $48, %rsp
	popq %r10
	popq %r9
	popq %rbx
	cld
	movb $'.', %al
compare:
	testq %r9, %r9
	jz compared
	movq (%r10), %rdi
	movq 8(%r10), %rcx
	movq 24(%r10), %rsi
	repe cmpsb
	je same
	movb $'X', %al
same:
	addq $32, %r10
	decq %r9
	jmp compare
compared:
	outb %al, $0xE9
	popq %rsi
	decq %rbx
	jmp call
finish:
	movb $'\n', %al
	outb %al, $0xE9
	movw $0x8900, %dx # the emulator ends
	leaq word(%rip), %rsi
	movl $8, %ecx
	rep outsb
	hlt
word:	.ascii "Shutdown"

	.p2align 3
segments:
	.quad 0
	.quad 0x00CF9A000000FFFF
	.quad 0x00CF92000000FFFF
	.quad 0x00AF9A000000FFFF
descriptors:
	.word 31
	.long base + segments - start

	.org 0xFFF0
	.code16
	ljmpw $0xF000, $0
	.org 0x10000
