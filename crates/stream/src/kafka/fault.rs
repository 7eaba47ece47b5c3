//! What a Kafka error means for a worker.

use ceteris_contract::disposition::Disposition;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::error::StreamError;

/// The port's error for a failed operation.
pub(super) fn backend(operation: &'static str) -> impl Fn(KafkaError) -> StreamError + Copy {
    move |error| StreamError::Backend {
        operation,
        disposition: disposition(&error),
        source: error.into(),
    }
}

/// What to do about an error of the client.
pub(super) fn disposition(error: &KafkaError) -> Disposition {
    match (error, error.rdkafka_error_code()) {
        (KafkaError::MessageConsumptionFatal(_), _) => Disposition::Halt,
        (_, Some(code)) => of_code(code),
        (KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_) | KafkaError::Nul(_), _) => {
            Disposition::Halt
        }
        _ => Disposition::Retry,
    }
}

/// What to do about an error code. Brokers come and go, so what is not known to be final is worth another try.
pub(super) fn of_code(code: RDKafkaErrorCode) -> Disposition {
    use RDKafkaErrorCode::*;
    match code {
        // Another member has this one's name.
        Fenced | FencedInstanceId | FencedMemberEpoch | ProducerFenced | InvalidProducerEpoch | Fatal
        // Who we are, or what we may do.
        | Authentication | SaslAuthenticationFailed | UnsupportedSASLMechanism | IllegalSASLState | SecurityDisabled
        | TopicAuthorizationFailed | GroupAuthorizationFailed | ClusterAuthorizationFailed
        | TransactionalIdAuthorizationFailed
        // What was asked for makes no sense to this cluster.
        | InvalidTopic | InvalidGroupId | InvalidSessionTimeout | InvalidPartitions | InvalidReplicationFactor
        | InvalidReplicaAssignment | InvalidConfig | InvalidRequiredAcks | InvalidArgument | PolicyViolation
        | UnsupportedVersion | UnsupportedFeature | UnsupportedForMessageFormat | InconsistentGroupProtocol
        | UnknownTopic | UnknownTopicOrPartition | UnknownPartition
        // The log is not what it was.
        | LogTruncation => Disposition::Halt,
        MessageSizeTooLarge | InvalidMessageSize | InvalidRecord | InvalidTimestamp => Disposition::Park,
        _ => Disposition::Retry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_is_away_is_waited_for_and_a_fence_is_final() {
        use RDKafkaErrorCode::*;
        for code in [
            BrokerTransportFailure,
            AllBrokersDown,
            OperationTimedOut,
            MessageTimedOut,
            RequestTimedOut,
            Resolve,
            LeaderNotAvailable,
            NotLeaderForPartition,
            NotEnoughReplicas,
            CoordinatorNotAvailable,
            RebalanceInProgress,
            UnknownMemberId,
            QueueFull,
        ] {
            assert_eq!(of_code(code), Disposition::Retry, "{code:?}");
        }
        for code in [
            FencedInstanceId,
            Authentication,
            TopicAuthorizationFailed,
            InvalidConfig,
        ] {
            assert_eq!(of_code(code), Disposition::Halt, "{code:?}");
        }
        assert_eq!(of_code(MessageSizeTooLarge), Disposition::Park);
        let fatal = KafkaError::MessageConsumptionFatal(Unknown);
        assert_eq!(disposition(&fatal), Disposition::Halt);
        assert_eq!(disposition(&KafkaError::Seek("state".into())), Disposition::Retry);
    }
}
