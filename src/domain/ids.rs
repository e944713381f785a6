//! Identifiers, one type for each kind of thing, so that a computer's id cannot be passed where a session's is meant.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map($name)
            }
        }
    };
}

id!(
    /// A tenant: an organisation whose computers are kept.
    TenantId
);
id!(
    /// A computer.
    ComputerId
);
id!(
    /// A session: one computer, one run of maintenance.
    SessionId
);
id!(
    /// A deployment; the lower of two is the older.
    DeploymentId
);
