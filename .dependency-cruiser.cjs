/** The one rule of the layout: domain at the top of lib/, one folder for each outside thing, imports pointing inward. */
module.exports = {
  forbidden: [
    {
      name: 'domain-imports-no-folder',
      comment: 'Files at the top of lib/ are the domain; only service.ts and cli.ts know the folders.',
      severity: 'error',
      from: { path: '^lib/[^/]+\\.ts$', pathNot: '^lib/(service|cli)\\.ts$' },
      to: { path: '^lib/[^/]+/' },
    },
    {
      name: 'folder-imports-only-the-domain',
      comment: 'A folder talks to its one outside thing and imports only the domain; lib/commands/ is cli.ts in parts.',
      severity: 'error',
      from: { path: '^lib/([^/]+)/', pathNot: '^lib/commands/' },
      to: { path: '^lib/[^/]+/', pathNot: '^lib/$1/' },
    },
    {
      name: 'nobody-imports-the-top',
      comment: 'service.ts, cli.ts and the commands put everything together; nothing below may know them.',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/((service|cli)\\.ts$|commands/)' },
      to: { path: '^lib/((service|cli)\\.ts$|commands/)' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: { path: '^(lib|test|bench|examples)/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'lib-needs-no-development-package',
      severity: 'error',
      from: { path: '^lib/' },
      to: { dependencyTypes: ['npm-dev'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
