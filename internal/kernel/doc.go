// Package kernel scores blocks of rows with an ensemble of trees without walking them: it answers all questions of all rows as bits, and
// then runs a fixed network of selections for each tree. Nothing depends on the data but the bits, so the time does not either.
//
// A condition is the question that a node asks. A plane is the answers to a condition, one bit for each row of a block. A [Builder] makes
// a [Plan] of conditions and trees, and [Plan.Margins] goes through these steps for each block:
//
//	rows                        NumFeature values each
//	  -> columns                only where assembly wants them in one piece
//	  -> ranks, or comparisons  rank: how many thresholds of its column a value is not below
//	  -> planes                 of all thresholds of a column at once, from the bits of the ranks
//	  -> derived planes         missing rows, sets of codes, paths to pieces of trees
//	  -> codes                  for each tree: which leaf a row ends in, one plane for each level
//	  -> leaves                 transpose the bits of the codes, look up, add
//
// # Networks
//
// A tree is padded to a depth D of 1 to [MaxDepth]. The code of a leaf has a bit for each node on its path: bit h-1 is that of the node at
// height h, and it is set if the row goes left. The code of a node's sub-tree is selected bit by bit from those of its children:
//
//	code[i] = right[i] ^ (left[i]^right[i])&plane    for i < h-1
//	code[h-1] = plane
//
// In post-order this takes few registers, and the code that does it is the same for all trees of a depth; a tree is only the list of its
// planes, its program, and its leaves. So no node is slower than another, and a condition that forty nodes ask is answered once.
//
// # Tiles
//
// The planes of a [Plan] may be more than a reference in 16 bits can name, and than a cache holds. Consecutive trees and all their conditions make a tile of [MaxPlanes] planes
// at most.
// The tiles of a block run one after the other and add to the same sums. On amd64, a column that several tiles ask about is ranked once for a block, among the
// thresholds of all of them; a tile looks its own ranks up in a table of these.
//
// # Small blocks
//
// On amd64, 64 rows or less take another way. A column's ranks stay bytes, and a condition is a comparison of those of 64 rows with that of its
// threshold. The code of a sub-tree is a byte, too, and a node chooses between those of its children; there are no planes. So 64 rows are two vectors of a byte each,
// where they would be a quarter of a plane, and 32 rows are one. Six levels are done so; in deeper trees each row then walks, as it needs one node of a level and not all: eight
// rows side by side, which have their ranks in an order of their own for that. If there are 16 rows at most, the others of 32 do not walk.
// Plans with derived conditions have no small blocks, and take one of 128 rows.
//
// # Windows and bits
//
// A column of which all trees together ask one or two things, as a one-hot column, need not become a column. On amd64, blocks of 128 rows and more
// compare eight columns at a time where they lie in their rows, and what is transposed is the bits of the answers; those of 512 rows only if rows are wide. Rows may also come with such columns as bits,
// see [Packing]; the conditions are then those bits, their opposites, or constant.
//
// While a block ranks its columns it asks for the rows of the next one, as it has no other use for memory then.
//
// # Exactness
//
// A decision depends on nothing but the rank of a value among the thresholds of its column, and ranks are exact; see ranked. Leaves are moved as
// bits. Each row adds its leaves in the order of the trees of a group, in float32, one rounding an addition, as lanes are rows. A piece
// of a tree that a row does not get to adds -0, which changes no number, not even -0.
//
// # Kinds
//
// The portable implementation, [Generic], defines the others. The generated files are written by internal/kernel/gen, a module of its own.
// The build tag purego leaves the assembly out.
//
// [AVX512] needs no order of rows but in the sums: comparisons make masks, which are planes. A rank is found in a search tree of thresholds
// that is all in registers, a selection is one instruction of three inputs, bytes of leaves come from permutations of up to two registers, and GFNI,
// where it is there, transposes bits. It is for more than 256 rows; fewer take the ways of AVX2, for which a plan has all it needs. On machines without it
// emulate/run.sh runs each function on an emulated processor, and a twin of it stands in for it in the tests. [NEON] answers conditions in Go, as [Generic] does, for 128 rows; its networks and
// look-ups are assembly.
package kernel
