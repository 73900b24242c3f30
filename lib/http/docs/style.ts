/** The style of the documentation: one column, system fonts, dark where the reader's system is. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1c2330; --faint: #5a6475; --line: #dfe3ea; --box: #f5f7fa;
  --link: #0b5cad; --get: #0b6b4f; --post: #8a4b00; --delete: #a3262a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171c; --ink: #e4e8ee; --faint: #9aa4b3; --line: #2d333d; --box: #1c2129;
    --link: #7db8f5; --get: #5fd0a8; --post: #f0b266; --delete: #f28b82;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 4rem; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
main { max-width: 52rem; margin: 0 auto; padding: 1.5rem 1rem 5rem; overflow-wrap: break-word; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
nav.top {
  position: sticky; top: 0; display: flex; gap: 1.25rem; padding: .7rem max(1rem, calc(50% - 25rem));
  background: var(--paper); border-bottom: 1px solid var(--line);
}
nav.top a:first-child { font-weight: 650; color: var(--ink); margin-right: auto; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.35rem; margin: 3rem 0 0; }
h3 { font-size: 1.1rem; margin: 0; }
h4 { font-size: .8rem; margin: 1.5rem 0 .4rem; color: var(--faint); text-transform: uppercase; letter-spacing: .05em; }
p { margin: .6rem 0; }
article { margin: 1.25rem 0; padding: 1.1rem 1.25rem; border: 1px solid var(--line); border-radius: .6rem; }
code, pre { font: .875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
code { background: var(--box); padding: .1em .3em; border-radius: .25em; }
pre { margin: .3rem 0 1rem; padding: .75rem .9rem; background: var(--box); border-radius: .4rem; white-space: pre-wrap; overflow-wrap: anywhere; }
pre code { background: none; padding: 0; }
.endpoint { display: flex; flex-wrap: wrap; gap: .2rem .6rem; align-items: baseline; margin: .2rem 0 0; }
.endpoint code { background: none; padding: 0; overflow-wrap: anywhere; }
.method { font: 700 .8rem/1 ui-monospace, monospace; }
.get { color: var(--get); }
.post { color: var(--post); }
.delete { color: var(--delete); }
.faint { color: var(--faint); font-size: .9rem; }
ul.index { list-style: none; margin: 1rem 0; padding: 0; }
ul.index li { display: flex; flex-wrap: wrap; gap: 0 .7rem; align-items: baseline; padding: .25rem 0; border-top: 1px solid var(--line); }
ul.index .method { min-width: 2.4rem; }
ul.index .faint { margin-left: auto; }
dl { margin: 0; }
dt { padding-top: .55rem; border-top: 1px solid var(--line); }
dt code { font-weight: 650; }
dd { margin: .1rem 0 .55rem; }
dd p { margin: 0; }
figure { margin: 0; }
figcaption { font-size: .9rem; color: var(--faint); }
`;
