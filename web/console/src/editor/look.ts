import type { Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'

// The page's own properties reach into the shadow root, so both schemes come by
// themselves. CodeMirror makes style sheets of objects, not of inline code.

/** How the editor looks. */
export function look(): Extension {
  return EditorView.theme({
    '&': { color: 'var(--text)', backgroundColor: 'var(--surface)', fontSize: '13.5px', height: '100%' },
    '&.cm-focused': { outline: 'none' },
    '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55', overscrollBehavior: 'contain' },
    '.cm-content': { caretColor: 'var(--accent)', paddingBottom: '30vh' },
    '.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
    '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--muted)', border: 'none', fontVariantNumeric: 'tabular-nums' },
    '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--text) 4%, transparent)' },
    '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--text)' },
    '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
      backgroundColor: 'color-mix(in srgb, var(--accent) 26%, transparent)',
    },
    '.cm-key': { color: 'var(--code-key)' },
    '.cm-text, .cm-expr-string': { color: 'var(--code-text)' },
    '.cm-note': { color: 'var(--muted)', fontStyle: 'italic' },
    '.cm-mark, .cm-expr-bracket': { color: 'var(--muted)' },
    '.cm-expr-number, .cm-expr-constant': { color: 'var(--code-number)' },
    '.cm-expr-operator': { color: 'var(--code-operator)', fontWeight: '600' },
    '.cm-expr-function': { color: 'var(--code-function)' },
    '.cm-expr-field': { color: 'var(--code-field)' },
    '.cm-expr-word': { color: 'var(--code-field)' },
    '.cm-tooltip': {
      backgroundColor: 'var(--raised)', color: 'var(--text)', border: '1px solid var(--line)', borderRadius: '6px',
      boxShadow: '0 8px 24px rgb(0 0 0 / .18)', maxWidth: 'min(440px, 92vw)', fontFamily: 'var(--font)', fontSize: '13.5px',
    },
    '.cm-help': { padding: '8px 10px' },
    '.cm-help code': { fontFamily: 'var(--mono)', fontSize: '13px', fontWeight: '600', overflowWrap: 'anywhere' },
    '.cm-help p': { margin: '4px 0 0' },
    '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', maxHeight: '16em', maxWidth: 'min(440px, 92vw)' },
    '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '4px 10px', lineHeight: '1.5' },
    '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent-bg)', color: 'var(--on-accent)' },
    '.cm-completionLabel': { fontSize: '13px' },
    '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
    '.cm-completionDetail': { fontFamily: 'var(--font)', fontStyle: 'normal', opacity: '.75', marginLeft: '10px', fontSize: '12.5px' },
    '.cm-tooltip.cm-completionInfo': { padding: '8px 10px', maxWidth: '320px', whiteSpace: 'normal' },
    // Beside the list there is no room for what it says of a word.
    '@media (max-width: 699px)': { '.cm-tooltip.cm-completionInfo': { display: 'none' } },
    '@media (pointer: coarse)': { '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '9px 12px' } },
    '.cm-diagnostic': { padding: '6px 10px', borderLeftWidth: '3px' },
    '.cm-diagnostic-error': { borderLeftColor: 'var(--bad)' },
    '.cm-diagnostic-warning': { borderLeftColor: 'var(--wait)' },
    '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--bad)', textDecorationThickness: '1px', textUnderlineOffset: '3px' },
    '.cm-lintRange-warning': { backgroundImage: 'none', textDecoration: 'underline wavy var(--wait)', textDecorationThickness: '1px', textUnderlineOffset: '3px' },
    '.cm-gutter-lint': { width: '14px' },
    '.cm-lint-marker': { width: '8px', height: '8px', margin: '7px 0 0 3px', content: 'normal', borderRadius: '50%' },
    '.cm-lint-marker-error': { content: 'normal', backgroundColor: 'var(--bad)' },
    '.cm-lint-marker-warning': { content: 'normal', backgroundColor: 'var(--wait)', borderRadius: '1px' },
    '.cm-panels': { backgroundColor: 'var(--raised)', color: 'var(--text)', borderColor: 'var(--line)' },
    '.cm-panel input, .cm-panel button, .cm-panel label': { fontFamily: 'var(--font)', fontSize: '13.5px' },
    '.cm-textfield': { backgroundColor: 'var(--surface)', color: 'var(--text)', border: '1px solid var(--line)', borderRadius: '6px' },
    '.cm-button': { backgroundImage: 'none', backgroundColor: 'var(--surface)', color: 'var(--text)', border: '1px solid var(--line)', borderRadius: '6px' },
    '.cm-selectionMatch': { backgroundColor: 'color-mix(in srgb, var(--accent) 16%, transparent)' },
    '.cm-searchMatch': { backgroundColor: 'color-mix(in srgb, var(--wait) 35%, transparent)' },
    '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: 'color-mix(in srgb, var(--accent) 22%, transparent)' },
  })
}
