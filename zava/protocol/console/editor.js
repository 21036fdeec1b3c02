// The editor of statements: CodeMirror, which this server serves itself, with completion of names.

import { EditorState, EditorView, Decoration, HighlightStyle, PostgreSQL, autocompletion, bracketMatching, closeBrackets, completionKeymap, defaultKeymap, drawSelection, history, historyKeymap, keymap, lineNumbers, sql, syntaxHighlighting, tags } from "/console/codemirror.js";

const LOOK = {
  "&": { fontSize: ".9rem", backgroundColor: "var(--sunken)", color: "var(--ink)", borderRadius: "8px", border: "1px solid var(--line)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "2px" },
  ".cm-content": { fontFamily: "var(--mono)", minHeight: "9rem", caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--muted)", border: "none" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--selected)" },
  ".cm-scroller": { overflow: "auto", maxHeight: "26rem" },
  ".cm-tooltip": { backgroundColor: "var(--surface)", color: "var(--ink)", border: "1px solid var(--line)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  // A list of few options needs no scrolling, which the keyboard could not do.
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { maxHeight: "none" },
  ".wrong": { textDecoration: "underline wavy var(--bad)", backgroundColor: "var(--wrong)" },
};

const COLOURS = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--accent)", fontWeight: "600" }, { tag: tags.string, color: "var(--text-value)" },
  { tag: tags.number, color: "var(--number-value)" }, { tag: [tags.lineComment, tags.blockComment], color: "var(--muted)", fontStyle: "italic" },
]);

/** Replace a selection by what is typed: a browser would keep its style inline, which the policy blocks. */
function replaceSelected(event, view) {
  if (event.inputType !== "insertText" || event.data === null || event.isComposing || view.state.selection.main.empty) return false;
  event.preventDefault();
  view.dispatch(view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true }));
  return true;
}

/**
 * Return an editor within `place`. It is in a shadow root, where its styles are sheets of objects:
 * the page's policy allows no style element.
 */
export function makeEditor(place, { text, schema, onRun, label }) {
  const root = place.shadowRoot ?? place.attachShadow({ mode: "open" });
  root.replaceChildren();
  let wrong = Decoration.none;
  const extensions = (own) => [
    lineNumbers(), history(), drawSelection(), bracketMatching(), closeBrackets(), autocompletion({ maxRenderedOptions: 8 }), syntaxHighlighting(COLOURS), EditorView.lineWrapping,
    sql({ dialect: PostgreSQL, schema, defaultSchema: "retail", upperCaseKeywords: true }), EditorView.theme(LOOK),
    EditorView.decorations.of(() => wrong), EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }), EditorView.domEventHandlers({ beforeinput: replaceSelected }),
    keymap.of([{ key: "Mod-Enter", run: () => { onRun(); return true; } }, ...completionKeymap, ...defaultKeymap, ...historyKeymap]), ...own,
  ];
  const view = new EditorView({ root, parent: root, state: EditorState.create({ doc: text, extensions: extensions([
    EditorView.updateListener.of((update) => { if (update.docChanged) wrong = Decoration.none; }),
  ]) }) });
  return {
    get text() { return view.state.doc.toString(); },
    set text(value) { view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: value } }); },
    focus: () => view.focus(),
    /** Mark the word at a place, counted in characters from 1, and put the cursor there. */
    mark(position) {
      // The server counts characters, a document counts UTF-16 units.
      const before = [...this.text].slice(0, position - 1).join("").length, whole = this.text;
      const from = Math.min(before, Math.max(0, whole.length - 1)), word = /^[\w.]+/.exec(whole.slice(from))?.[0].length ?? 1;
      const to = Math.min(whole.length, from + word);
      if (to > from) wrong = Decoration.set([Decoration.mark({ class: "wrong" }).range(from, to)]);
      view.dispatch({ selection: { anchor: from }, scrollIntoView: true });
      const line = view.state.doc.lineAt(from);
      return { line: line.number, column: from - line.from + 1 };
    },
    insert(value) {
      view.dispatch(view.state.replaceSelection(value));
      view.focus();
    },
  };
}
