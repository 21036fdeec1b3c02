export { EditorState } from "@codemirror/state";
export { EditorView, Decoration, drawSelection, keymap, lineNumbers } from "@codemirror/view";
export { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
export { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
export { autocompletion, closeBrackets, completionKeymap } from "@codemirror/autocomplete";
export { PostgreSQL, sql } from "@codemirror/lang-sql";
export { tags } from "@lezer/highlight";
