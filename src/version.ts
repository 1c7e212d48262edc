/** Version of this package, as `package.json` says; held together by a test. */
export const version = '0.1.0';
