/** The first account, or the decision to do without. */
export const setup = {
  setup: {
    heading: 'Set up sign-in',
    lead: 'Create the first account. It administers this server.',
    code: 'Setup code',
    codeHelp: 'The server printed it when it started. It is also in the file setup-code in its data folder.',
    codeMissing: 'Type the setup code.',
    codeRefused: 'That code is wrong or too old. Make a new one on the server: sallyport setup --new-code',
    username: 'Name',
    usernameHelp: 'What you sign in with. An e-mail address is fine.',
    usernameMissing: 'Choose a name.',
    usernameRefused: 'That name cannot be used. Leave out spaces, colons and slashes.',
    submit: 'Create the account',
    sending: 'Creating the account…',
    declinedBefore: 'This server runs without sign-in at the moment. Creating an account here starts asking for it.',
  },
  configured: {
    heading: 'Already set up',
    detail: 'This server has its first account. Setting it up happens only once.',
    raced:
      'Somebody created the first account before you. If that was not you or somebody you trust, stop this server now.',
    link: 'Sign in',
  },
  decline: {
    heading: 'No sign-in wanted?',
    lead: 'The application can also stay open to everybody.',
    offer: 'Run without sign-in',
    confirmHeading: 'Run without sign-in?',
    effect: 'Anyone who can reach this address can use the application.',
    confirm: 'Run without sign-in',
    sending: 'Recording…',
    cancel: 'Keep sign-in',
    doneHeading: 'This server runs without sign-in',
    done: 'Your decision is recorded. Anyone who can reach this address can use the application.',
    undo: 'To change your mind, make a new setup code on the server and open the link it prints:',
    command: 'sallyport setup --new-code',
  },
};
