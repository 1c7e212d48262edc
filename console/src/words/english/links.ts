/** Links that set a password, and asking for one. */
export const links = {
  forgot: {
    heading: 'Forgot your password?',
    lead: 'Type your name. If this server can, it mails you a link to choose a new one.',
    submit: 'Send me a link',
    sending: 'Asking…',
    sentHeading: 'Look into your mail',
    sent: (username: string) =>
      `If there is an account ${username} with an address, and this server sends mail, a link is on its way. It works for one hour.`,
    nothing: 'Nothing came? Ask whoever runs this server: they can make a link for you.',
    back: 'Back to sign in',
  },
  link: {
    inviteHeading: 'Choose your password',
    inviteLead: (username: string) => `You are invited to sign in here as ${username}.`,
    resetHeading: 'Choose a new password',
    resetLead: (username: string) => `For the account ${username}. All devices are signed out; a second factor stays.`,
    look: 'Looking at the link…',
    lookHeading: 'Your link',
    other: (username: string) =>
      `${username} is signed in with this browser. If you go on, this browser is yours instead. Nothing changes for that account.`,
    ends: 'The link ends',
    submit: 'Set the password',
    sending: 'Setting the password…',
    invalidHeading: 'This link does not work',
    invalid: 'It was used already, is too old, or a newer one was made. Ask whoever runs this server for another one.',
    noneHeading: 'Open the link that you were sent',
    none: 'This page needs the whole link, to its last sign. Open it again from where you got it.',
    signIn: 'Sign in',
    forgot: 'Ask for another link',
  },
};
