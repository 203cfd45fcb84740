package rulefile

import (
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"
)

// tooDeep is what is said of an expression whose parts are too many levels within each other.
const tooDeep = "an expression is nested at most %d deep"

// tooManyBrackets is the place, in characters, of the bracket that is one too many levels deep; -1 when there is none.
// It is asked before the parser, which goes one level deeper into itself for each, and keeps no trace of parentheses.
func tooManyBrackets(text string) int {
	l := lexer.New()
	l.Reset(file.NewSource(text))
	depth := 0
	for {
		t, err := l.Next()
		if err != nil {
			return -1
		}
		if t.Kind != lexer.Bracket {
			continue
		}
		switch t.Value {
		case "(", "[", "{":
			if depth++; depth > maxNesting {
				return t.From
			}
		default:
			depth--
		}
	}
}

// measure counts an expression's parts and finds the first that is too deep. The parser puts the middle of a < b < c
// into both comparisons, so that a short text can have more parts than could ever be walked: it stops early.
type measure struct {
	parts int
	deep  ast.Node
}

func (m *measure) walk(n ast.Node, depth int) {
	if n == nil || m.deep != nil || m.parts > maxParts {
		return
	}
	m.parts++
	if depth > maxNesting {
		m.deep = n
		return
	}
	if x, ok := n.(*ast.BinaryNode); ok && (isAnd(x) || isOr(x)) {
		for _, k := range row(x) {
			m.walk(k, depth+1)
		}
		return
	}
	for _, k := range within(n) {
		m.walk(k, depth+1)
	}
}

// within are the parts that a part is made of; entries may be nil.
func within(n ast.Node) []ast.Node {
	switch x := n.(type) {
	case *ast.UnaryNode:
		return []ast.Node{x.Node}
	case *ast.BinaryNode:
		return []ast.Node{x.Left, x.Right}
	case *ast.ChainNode:
		return []ast.Node{x.Node}
	case *ast.MemberNode:
		return []ast.Node{x.Node, x.Property}
	case *ast.SliceNode:
		return []ast.Node{x.Node, x.From, x.To}
	case *ast.CallNode:
		return append([]ast.Node{x.Callee}, x.Arguments...)
	case *ast.BuiltinNode:
		return x.Arguments
	case *ast.PredicateNode:
		return []ast.Node{x.Node}
	case *ast.ConditionalNode:
		return []ast.Node{x.Cond, x.Exp1, x.Exp2}
	case *ast.VariableDeclaratorNode:
		return []ast.Node{x.Value, x.Expr}
	case *ast.SequenceNode:
		return x.Nodes
	case *ast.ArrayNode:
		return x.Nodes
	case *ast.MapNode:
		return x.Pairs
	case *ast.PairNode:
		return []ast.Node{x.Key, x.Value}
	}
	return nil
}

// row are the parts of a && b && c, or of a || b || c, however many.
func row(x *ast.BinaryNode) []ast.Node {
	nodes := []ast.Node{x.Right}
	left := x.Left
	for {
		l, ok := left.(*ast.BinaryNode)
		if !ok || !(isAnd(x) && isAnd(l) || isOr(x) && isOr(l)) {
			break
		}
		nodes = append(nodes, l.Right)
		left = l.Left
	}
	nodes = append(nodes, left)
	slices.Reverse(nodes)
	return nodes
}

func isNot(x *ast.UnaryNode) bool { return x.Operator == "!" || x.Operator == "not" }

func isAnd(x *ast.BinaryNode) bool { return x.Operator == "&&" || x.Operator == "and" }

func isOr(x *ast.BinaryNode) bool { return x.Operator == "||" || x.Operator == "or" }
